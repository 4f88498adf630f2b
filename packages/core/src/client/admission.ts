import { MINUTE_MS, SECOND_MS } from '../clock.ts'
import type { OutlineCommand, MirroredSession } from '../session/outline.ts'
import { estimateBytes, type Fate, type QueuedAction } from './action.ts'
import type { ActionOptions, PresenceOptions } from './arguments.ts'
import type { Draft, Rejection } from './before-send.ts'
import type { Consent } from './consent.ts'
import type { Subject } from './identity.ts'
import type { Intake } from './intake.ts'
import type { Mirror } from './mirror.ts'
import type { Settings } from './options.ts'
import type { Pipeline } from './pipeline.ts'

/** Where actions come from: an identity and what its request said. */
export interface Origin {
  readonly subject: Subject
  readonly userAgent: string | undefined
  consent: Consent
  /** Told whenever something was accepted. */
  readonly noteWork: (() => void) | null
}

/** What a tracker asks for. */
export interface Submission {
  readonly action: string
  readonly name?: string | undefined
  readonly params?: object | undefined
  readonly args?: object | undefined
  readonly options?: ActionOptions | undefined
  /** Learns what became of it. */
  readonly settle?: (fate: Fate) => void
}

/** Between a tracker and the queue: consent, checks, `beforeSend`, the session mirror. */
export interface Admission {
  /** @returns resolves once accepted, or dropped and reported. */
  submit(origin: Origin, submission: Submission): Promise<void>
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

const DONE = Promise.resolve()

/**
 * How exactly signs of life that come when they come are passed on. They may stop at any time, so they cannot wait until the
 * session nears its time-out, as a heartbeat does that is sure to be followed by another.
 */
const PRESENCE_MS = 5 * MINUTE_MS
/** How old what we know of an open session may be before a page that somebody sees says `resumeSession` again. */
const SEEN_MS = 10 * SECOND_MS

export function createAdmission(settings: Settings, mirror: Mirror, intake: Intake, pipeline: Pipeline): Admission {
  const { clock, tell, events, beforeSend, autoStart, outbox } = settings
  const { inactivityMs } = settings.sessionRules
  let waitingForConsent: QueuedAction[] = []

  function submit(origin: Origin, submission: Submission): Promise<void> {
    const { subject } = origin
    const { action, args, options, settle } = submission
    const now = clock.now()
    const time = options?.time === undefined ? now : Number(options.time)
    const draft = draftOf(origin, submission, time)
    if ('drop' in draft) {
      return intake.drop(queuedOf(subject, { ...submission, time, settle }), draft.drop, draft.detail)
    }
    const command = commandOf(action, args)
    // What is late belongs to a session that was; it opens none now.
    if (autoStart !== false && command === 'track' && time >= now && isActivity(action, args)) openSession(origin, time)
    // Written out: every tracked event comes through here, and with a spread the call took three times as long.
    const { name, params } = draft
    const parts = { action, name, params, args: draft.args, time, settle }
    const accepted = accept(origin, queuedOf(subject, parts), options?.urgent === true)
    if (command !== undefined) mirror.note(subject.session, command, time)
    return accepted
  }

  /** The action as it may be queued, or why it may not. */
  function draftOf(origin: Origin, { action, name, params, args }: Submission, time: number): Filtered {
    if (origin.consent === 'denied') return { drop: 'consent' }
    let checked = params
    if (events !== undefined && action === 'track') {
      const result = events.check(name ?? '', params)
      if ('problem' in result) return { drop: 'invalid', detail: result.problem }
      checked = result.params
    }
    let draft: Pick<Submission, 'name' | 'params' | 'args'> = { name, params: checked, args }
    if (beforeSend.length === 0) return draft
    const { userId, deviceId } = origin.subject
    try {
      for (const step of beforeSend) {
        const next = step({ ...draft, action, userId, deviceId, userAgent: origin.userAgent, time } as Draft)
        if (next === null) return { drop: 'filtered' }
        if ('drop' in next) return next
        draft = next
      }
      return draft
    } catch (error) {
      tell('error', 'beforeSend threw', { action, name, error })
      return { drop: 'filterFailed' }
    }
  }

  function openSession(origin: Origin, time: number): void {
    const opener = openerOf(origin, time)
    if (opener === null) return
    mirror.note(origin.subject.session, 'start', time)
    // It only serves the event behind it, which reports for both.
    accept(origin, queuedOf(origin.subject, { ...opener, time }), false).catch(() => undefined)
  }

  function openerOf({ subject }: Origin, now: number): Pick<Submission, 'action' | 'args'> | null {
    const opener = mirror.opener(subject.session, now)
    if (opener === null) return null
    const action = autoStart === 'start' ? 'start' : opener
    tell('debug', 'no session is known to be open', { opener: action, userId: subject.userId })
    return action === 'start' ? { action } : { action, args: { createDisposition: 'CreateIfNeeded' } }
  }

  function heartbeat(origin: Origin, quietMs: number): Promise<void> {
    const { session, userId } = origin.subject
    if (mirror.isQuiet(session, clock.now(), quietMs)) return submit(origin, { action: 'heartbeat' })
    tell('debug', 'no heartbeat needed', { userId })
    return DONE
  }

  function accept(origin: Origin, action: QueuedAction, isUrgent: boolean): Promise<void> {
    origin.noteWork?.()
    if (origin.consent !== 'pending') return intake.take(action, isUrgent)
    if (waitingForConsent.length >= settings.maxQueue) return intake.drop(action, 'queueFull')
    waitingForConsent.push(action)
    return DONE
  }

  /** Ends the wait for consent of those who are meant. */
  function decided(isMeant: (action: QueuedAction) => boolean, then: (action: QueuedAction) => Promise<void>): void {
    const all = waitingForConsent
    waitingForConsent = all.filter((action) => !isMeant(action))
    for (const action of all)
      if (isMeant(action)) then(action).catch((error: unknown) => tell('warn', String(error), {}))
  }

  return {
    submit,
    decide(origin, consent) {
      const { lane, session } = origin.subject
      origin.consent = consent
      if (consent === 'pending') return
      tell('debug', 'consent decided', { consent })
      decided(
        (action) => action.subject.lane === lane,
        (action) => (consent === 'granted' ? intake.take(action, false) : intake.drop(action, 'consent')),
      )
      // The session we noted was never sent.
      if (consent === 'denied') mirror.forget(session)
    },
    heartbeat: (origin) => heartbeat(origin, inactivityMs - settings.heartbeatMarginMs),
    ensureSession(origin, { resume = false, urgent = false } = {}) {
      const options = { urgent }
      const now = clock.now()
      const { session } = origin.subject
      const opener = openerOf(origin, now)
      if (opener !== null) return submit(origin, { ...opener, options })
      if (!resume) return heartbeat(origin, Math.min(PRESENCE_MS, inactivityMs / 4))
      const isNews = mirror.session(session, now)?.phase === 'paused' || mirror.isQuiet(session, now, SEEN_MS)
      return isNews ? submit(origin, { action: 'resumeSession', options }) : DONE
    },
    async forget({ subject }) {
      const isTheirs = (action: QueuedAction) => action.subject.lane === subject.lane
      await intake.opening()
      decided(isTheirs, (action) => intake.drop(action, 'deleted'))
      intake.turnAway(isTheirs, 'deleted')
      mirror.forget(subject.session)
      await pipeline.forget(subject.lane)
      await outbox?.purge()
    },
    session: (origin) => mirror.session(origin.subject.session, clock.now()),
    held: () => waitingForConsent.length,
    close: () =>
      decided(
        () => true,
        (action) => intake.drop(action, 'closed'),
      ),
  }
}

/** What became of a draft; a rejection may say more. */
type Filtered = Pick<Submission, 'name' | 'params' | 'args'> | (Rejection & { readonly detail?: string })

interface Parts {
  readonly action: string
  readonly name?: string | undefined
  readonly params?: object | undefined
  readonly args?: object | undefined
  readonly time: number
  readonly settle?: ((fate: Fate) => void) | undefined
}

/** Not yet in the queue: it gets its place in the order (`seq`) there. */
function queuedOf(subject: Subject, { action, name, params, args, time, settle }: Parts): QueuedAction {
  const bytes = estimateBytes(subject, name, params, args)
  return { action, subject, name, params, args, time, seq: 0, reqId: null, bytes, settle, trouble: null }
}

/** Whether an action should find a session open: the user does something (specification 6.4, 6.5). */
function isActivity(action: string, args: object | undefined): boolean {
  const disposition = given(args, 'disposition')
  return action === 'advance' || (action === 'track' && (disposition === undefined || disposition === 'active'))
}

/** What an action means to the session; what is not named here says nothing of it. */
const COMMANDS: Readonly<Record<string, OutlineCommand>> = {
  track: 'track',
  advance: 'track',
  pauseState: 'track',
  resumeState: 'track',
  heartbeat: 'heartbeat',
  start: 'start',
  resumeSession: 'resume',
  pauseSession: 'pause',
  stop: 'stop',
}

function commandOf(action: string, args: object | undefined): OutlineCommand | undefined {
  if (action === 'start' && given(args, 'background') === true) return 'startInBackground'
  return given(args, 'disposition') === 'passive' ? undefined : COMMANDS[action]
}

function given(args: object | undefined, name: string): unknown {
  return (args as Readonly<Record<string, unknown>> | undefined)?.[name]
}
