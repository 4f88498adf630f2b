import { MINUTE_MS, SECOND_MS } from '../clock.ts'
import type { Session, SessionCommand } from '../session/session.ts'
import { estimateBytes, type DropReason, type Fate, type QueuedAction } from './action.ts'
import type { ActionOptions, PresenceOptions } from './arguments.ts'
import { isRejection, runSteps, type Draft } from './before-send.ts'
import type { Consent } from './consent.ts'
import type { Subject } from './identity.ts'
import type { Intake } from './intake.ts'
import type { Mirror } from './mirror.ts'
import type { Settings } from './options.ts'

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
  session(origin: Origin): Session | null
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

export function createAdmission(settings: Settings, mirror: Mirror, intake: Intake): Admission {
  const { clock, explain, logger, events, beforeSend } = settings
  const waitingForConsent = new Map<string, QueuedAction[]>()
  const presenceMs = Math.min(PRESENCE_MS, settings.sessionRules.inactivityMs / 4)
  let held = 0

  function submit(origin: Origin, submission: Submission): Promise<void> {
    if (origin.consent === 'denied') return reject(origin, submission, 'consent', 'consent is denied')
    let { name, params, args } = submission
    if (events !== null && submission.action === 'track') {
      const checked = events.check(name ?? '', params)
      if ('problem' in checked) return reject(origin, submission, 'invalid', checked.problem)
      params = checked.params
    }
    if (beforeSend.length > 0) {
      const draft = filtered(origin, submission, params)
      if (isRejection(draft)) return reject(origin, submission, draft.drop, 'by beforeSend')
      ;({ name, params, args } = draft)
    }
    const now = clock.now()
    const { options } = submission
    const time = options?.time === undefined ? now : Number(options.time)
    openSession(origin, submission, time, now)
    const accepted = accept(
      origin,
      { action: submission.action, name, params, args, time, settle: submission.settle },
      options,
    )
    noteSession(origin, submission, time)
    return accepted
  }

  function filtered(origin: Origin, { action, name, args, options }: Submission, params: object | undefined) {
    const draft: Draft = {
      action,
      userId: origin.subject.userId,
      deviceId: origin.subject.deviceId,
      userAgent: origin.userAgent,
      name,
      params: params as Draft['params'],
      args: args as Draft['args'],
      time: options?.time === undefined ? clock.now() : Number(options.time),
    }
    try {
      return runSteps(beforeSend, draft)
    } catch (error) {
      logger.error('damson: a beforeSend step threw; the action is dropped', { action, name, error })
      return { drop: 'filterFailed' as const }
    }
  }

  /** What is late belongs to a session that was; it opens none now. */
  function openSession(origin: Origin, submission: Submission, time: number, now: number): void {
    if (settings.autoStart === false || time < now || !isActivity(submission)) return
    const opener = openerOf(origin, now)
    if (opener === null) return
    mirror.note(origin.subject.session, { type: 'start', id: '' }, now)
    // It only serves the event behind it, which reports for both.
    void accept(origin, { ...opener, time }, undefined).catch(() => undefined)
  }

  function openerOf({ subject }: Origin, now: number): Pick<Submission, 'action' | 'args'> | null {
    const opener = mirror.opener(subject.session, now)
    if (opener === null) return null
    const action = settings.autoStart === 'start' ? 'start' : opener
    explain?.('no session is known to be open', { opener: action, userId: subject.userId })
    return action === 'start' ? { action } : { action, args: { createDisposition: 'CreateIfNeeded' } }
  }

  function heartbeat(origin: Origin, quietMs?: number): Promise<void> {
    if (mirror.isHeartbeatDue(origin.subject.session, clock.now(), quietMs))
      return submit(origin, { action: 'heartbeat' })
    explain?.('no heartbeat needed', { userId: origin.subject.userId })
    return DONE
  }

  function noteSession({ subject }: Origin, submission: Submission, time: number): void {
    const command = commandOf(submission)
    if (command === null) return
    if (command === 'activity') mirror.touched(subject.session, time)
    else mirror.note(subject.session, command, time)
  }

  function accept(origin: Origin, parts: Parts, options: ActionOptions | undefined): Promise<void> {
    const action = queuedOf(origin.subject, parts)
    origin.noteWork?.()
    if (origin.consent === 'pending') return hold(action)
    return intake.take(action, options?.urgent === true)
  }

  function hold(action: QueuedAction): Promise<void> {
    if (held >= settings.maxQueue) return intake.drop(action, 'queueFull', 'too many wait for consent')
    const list = waitingForConsent.get(action.subject.lane)
    if (list === undefined) waitingForConsent.set(action.subject.lane, [action])
    else list.push(action)
    held += 1
    return DONE
  }

  function decide(origin: Origin, consent: Consent): void {
    origin.consent = consent
    if (consent === 'pending') return
    const { lane, session } = origin.subject
    const actions = waitingForConsent.get(lane) ?? []
    waitingForConsent.delete(lane)
    held -= actions.length
    explain?.('consent decided', { consent, actions: actions.length })
    for (const action of actions) {
      if (consent === 'granted') intake.take(action, false).catch((error: unknown) => logger.warn(String(error)))
      else void intake.drop(action, 'consent', 'consent was denied')
    }
    // The session we noted was never sent.
    if (consent === 'denied') mirror.forget(session)
  }

  function session({ subject }: Origin): Session | null {
    return mirror.session(subject.session, clock.now())
  }

  function reject({ subject }: Origin, submission: Submission, reason: DropReason, detail: string): Promise<void> {
    return intake.drop(queuedOf(subject, { ...submission, time: clock.now() }), reason, detail)
  }

  return {
    submit,
    decide,
    heartbeat: (origin) => heartbeat(origin),
    ensureSession(origin, { resume = false, urgent = false } = {}) {
      const options = { urgent }
      const opener = openerOf(origin, clock.now())
      if (opener !== null) return submit(origin, { ...opener, options })
      if (!resume) return heartbeat(origin, presenceMs)
      const isPaused = session(origin)?.phase === 'paused'
      if (!isPaused && !mirror.isHeartbeatDue(origin.subject.session, clock.now(), SEEN_MS)) return DONE
      return submit(origin, { action: 'resumeSession', options })
    },
    session,
    held: () => held,
    close() {
      for (const actions of waitingForConsent.values()) {
        for (const action of actions) void intake.drop(action, 'closed', 'closed before consent was given')
      }
      waitingForConsent.clear()
      held = 0
    },
  }
}

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
function isActivity({ action, args }: Submission): boolean {
  if (action === 'advance') return true
  const disposition = given(args, 'disposition')
  return action === 'track' && (disposition === undefined || disposition === 'active')
}

/** What an action means to the session. */
function commandOf({ action, args }: Submission): SessionCommand | 'activity' | null {
  switch (action) {
    case 'track':
      return given(args, 'disposition') === 'passive' ? null : 'activity'
    case 'advance':
    case 'pauseState':
    case 'resumeState':
      return 'activity'
    case 'start':
      return {
        type: given(args, 'background') === true ? 'startInBackground' : 'start',
        id: '',
      }
    case 'resumeSession':
      return { type: 'resume', id: '' }
    case 'pauseSession':
      return { type: 'pause' }
    case 'stop':
      return { type: 'stop' }
    case 'heartbeat':
      return { type: 'heartbeat' }
    default:
      return null
  }
}

function given(args: object | undefined, name: string): unknown {
  return (args as Readonly<Record<string, unknown>> | undefined)?.[name]
}
