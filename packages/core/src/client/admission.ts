import { MINUTE_MS, SECOND_MS, type EpochMs } from '../clock.ts'
import type { MirroredSession, OutlineCommand } from '../session/outline.ts'
import { queuedAction, type Content, type DropReason, type Fate, type QueuedAction } from './action.ts'
import type { ActionOptions, PresenceOptions } from './arguments.ts'
import type { Draft, Rejection } from './before-send.ts'
import type { Consent } from './consent.ts'
import type { Subject } from './identity.ts'
import type { Intake } from './intake.ts'
import { DONE } from './ledger.ts'
import type { Mirror } from './mirror.ts'
import type { Settings } from './options.ts'
import type { Pipeline } from './pipeline.ts'

/** Where actions come from: an identity and what its request said. */
export interface Origin {
  readonly subject: Subject
  readonly userAgent: string | undefined
  consent: Consent
  /** Told whenever something was accepted. */
  readonly noteWork: (() => void) | undefined
}

/** Between a tracker and the queue: consent, checks, `beforeSend`, the session mirror. */
export interface Admission {
  /**
   * @param settle learns what became of it.
   * @returns resolves once accepted, or dropped and reported.
   */
  submit(
    origin: Origin,
    action: string,
    content: Content,
    options?: ActionOptions,
    settle?: (fate: Fate) => void,
  ): Promise<void>
  heartbeat(origin: Origin): Promise<void>
  ensureSession(origin: Origin, options?: PresenceOptions): Promise<void>
  decide(origin: Origin, consent: Consent): void
  /** Drops all that waits for this profile, wherever. Resolves when nothing of it is under way or on the disk. */
  forget(origin: Origin): Promise<void>
  session(origin: Origin): MirroredSession | null
  /** How many actions wait for consent. */
  held(): number
  /** Drops what waits for consent: nobody will decide any more. */
  close(): void
}

/**
 * How exactly signs of life that come when they come are passed on. They may stop at any time, so they cannot wait until the
 * session nears its time-out, as a heartbeat does that is sure to be followed by another.
 */
const PRESENCE_MS = 5 * MINUTE_MS
/** How old what we know of an open session may be before a page that somebody sees says `resumeSession` again. */
const SEEN_MS = 10 * SECOND_MS

export function createAdmission(settings: Settings, mirror: Mirror, intake: Intake, pipeline: Pipeline): Admission {
  const { clock, tell, events, beforeSend, autoStart, outbox, maxQueue, sessionRules } = settings
  const { drop } = pipeline
  const { inactivityMs } = sessionRules
  const held = new Set<QueuedAction>()

  function submit(
    origin: Origin,
    action: string,
    content: Content,
    { time, urgent = false }: ActionOptions = {},
    settle?: (fate: Fate) => void,
  ): Promise<void> {
    const { subject } = origin
    const now = clock.now()
    const at = time === undefined ? now : Number(time)
    const draft = filtered(origin, action, content, at)
    if ('drop' in draft) return drop(queuedAction(subject, action, content, at, settle), draft.drop, draft.detail)
    const command = commandOf(action, content.args)
    if (command === 'track' && at >= now) openSession(origin, at)
    const accepted = accept(origin, queuedAction(subject, action, draft, at, settle), urgent)
    if (command) mirror.note(subject.session, command, at)
    return accepted
  }

  /** The action as it may be queued, or why it may not. */
  function filtered(
    { consent, subject, userAgent }: Origin,
    action: string,
    content: Content,
    time: EpochMs,
  ): Filtered {
    if (consent === 'denied') return { drop: 'consent' }
    let draft = content
    if (events && action === 'track') {
      const checked = events.check(draft.name!, draft.params)
      if ('problem' in checked) return { drop: 'invalid', detail: checked.problem }
      draft = { ...draft, ...checked }
    }
    const { userId, deviceId } = subject
    try {
      for (const step of beforeSend) {
        const next = step({ ...draft, action, userId, deviceId, userAgent, time } as Draft)
        if (!next) return { drop: 'filtered' }
        if ('drop' in next) return next
        draft = next
      }
      return draft
    } catch (error) {
      tell('error', 'beforeSend threw', { action, name: draft.name, error })
      return { drop: 'filterFailed' }
    }
  }

  /** What an active event needs before it. What is late belongs to a session that was; it opens none now. */
  function openSession(origin: Origin, time: EpochMs): void {
    const opener = autoStart && openerOf(origin, time)
    if (!opener) return
    const { subject } = origin
    mirror.note(subject.session, 'start', time)
    // It only serves the event behind it, which reports for both.
    accept(origin, queuedAction(subject, opener.action, opener, time), false).catch(() => undefined)
  }

  function openerOf({ subject }: Origin, now: EpochMs) {
    const opener = mirror.opener(subject.session, now)
    if (!opener) return undefined
    const action = autoStart === 'start' ? 'start' : opener
    tell('debug', 'no session is known to be open', { opener: action, userId: subject.userId })
    return { action, args: action === 'start' ? undefined : { createDisposition: 'CreateIfNeeded' } }
  }

  function heartbeat(origin: Origin, quietMs: number): Promise<void> {
    const { session, userId } = origin.subject
    if (mirror.isQuiet(session, clock.now(), quietMs)) return submit(origin, 'heartbeat', {})
    tell('debug', 'no heartbeat needed', { userId })
    return DONE
  }

  function accept({ noteWork, consent }: Origin, action: QueuedAction, isUrgent: boolean): Promise<void> {
    noteWork?.()
    if (consent !== 'pending') return intake.take(action, isUrgent)
    if (held.size >= maxQueue) return drop(action, 'queueFull')
    held.add(action)
    return DONE
  }

  /** Ends the wait for consent, of one profile or of all. */
  function decided(then: (action: QueuedAction) => Promise<void>, lane?: string): void {
    for (const action of [...held]) {
      if (lane && action.subject.lane !== lane) continue
      held.delete(action)
      then(action).catch((error: unknown) => tell('warn', String(error), {}))
    }
  }

  const dropAs = (reason: DropReason) => (action: QueuedAction) => drop(action, reason)

  return {
    submit,
    decide(origin, consent) {
      const { lane, session } = origin.subject
      origin.consent = consent
      if (consent === 'pending') return
      tell('debug', 'consent decided', { consent })
      if (consent === 'granted') return decided((action) => intake.take(action, false), lane)
      decided(dropAs('consent'), lane)
      // The session we noted was never sent.
      mirror.forget(session)
    },
    heartbeat: (origin) => heartbeat(origin, inactivityMs - settings.heartbeatMarginMs),
    ensureSession(origin, { resume = false, urgent = false } = {}) {
      const now = clock.now()
      const { session } = origin.subject
      let next = openerOf(origin, now)
      if (!next && !resume) return heartbeat(origin, Math.min(PRESENCE_MS, inactivityMs / 4))
      const isNews = mirror.session(session, now)?.phase === 'paused' || mirror.isQuiet(session, now, SEEN_MS)
      if (!next && isNews) next = { action: 'resumeSession', args: undefined }
      return next ? submit(origin, next.action, next, { urgent }) : DONE
    },
    async forget({ subject }) {
      const { lane, session } = subject
      await intake.opening()
      decided(dropAs('deleted'), lane)
      intake.turnAway('deleted', lane)
      mirror.forget(session)
      await pipeline.forget(lane)
      await outbox?.purge()
    },
    session: ({ subject }) => mirror.session(subject.session, clock.now()),
    held: () => held.size,
    close: () => decided(dropAs('closed')),
  }
}

/** What became of a draft; a rejection may say more. */
type Filtered = Content | (Rejection & { readonly detail?: string })

/** What an action means to the session; what is not named here says nothing of it. Only `track` finds a session open. */
const COMMANDS: Readonly<Record<string, OutlineCommand>> = {
  track: 'track',
  advance: 'track',
  // To an outline they mean what a heartbeat means.
  pauseState: 'heartbeat',
  resumeState: 'heartbeat',
  heartbeat: 'heartbeat',
  start: 'start',
  resumeSession: 'resume',
  pauseSession: 'pause',
  stop: 'stop',
}

function commandOf(action: string, args: object = {}): OutlineCommand | undefined {
  const { background, disposition = 'active' } = args as Readonly<Record<string, unknown>>
  if (action === 'start' && background === true) return 'startInBackground'
  if (disposition === 'passive') return undefined
  return disposition === 'active' ? COMMANDS[action] : 'heartbeat'
}
