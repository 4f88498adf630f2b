import { MINUTE_MS, SECOND_MS, type EpochMs } from '../clock.ts'
import type { OutlineCommand } from '../session/outline.ts'
import { queuedAction, type Content, type Fate, type QueuedAction } from './action.ts'
import type { ActionOptions, PresenceOptions } from './arguments.ts'
import type { Draft, Rejection } from './before-send.ts'
import type { Consent } from './consent.ts'
import type { Core } from './core.ts'
import type { Subject } from './identity.ts'
import { take, turnAway, withdraw } from './intake.ts'
import { DONE, drop } from './ledger.ts'
import { forgetSession, noteSession, openerOf, sessionOf } from './mirror.ts'
import { forgetLane } from './pipeline.ts'

/** Where actions come from: a client, an identity, and what its request said. */
export interface Origin {
  readonly core: Core
  readonly subject: Subject
  readonly userAgent: string | undefined
  consent: Consent
  /** Told whenever something was accepted. */
  readonly noteWork: (() => void) | undefined
}

/**
 * How exactly signs of life that come when they come are passed on. They may stop at any time, so they cannot wait until the
 * session nears its time-out, as a heartbeat does that is sure to be followed by another.
 */
const PRESENCE_MS = 5 * MINUTE_MS
/** How old what we know of an open session may be before a page that somebody sees says `resumeSession` again. */
const SEEN_MS = 10 * SECOND_MS

/**
 * Between a tracker and the queue: consent, checks, `beforeSend`, the session mirror.
 * @param settle learns what became of it.
 * @returns resolves once accepted, or dropped and reported.
 */
export function submit(
  origin: Origin,
  action: string,
  args?: object,
  { time, urgent }: ActionOptions = {},
  name?: string,
  params?: object,
  settle?: (fate: Fate) => void,
): Promise<void> {
  const { core, subject } = origin
  const content = { name, params, args }
  const now = core.clock.now()
  const at = Number(time ?? now)
  const draft = filtered(origin, action, content, at)
  if ('drop' in draft) return drop(core, queuedAction(subject, action, content, at, settle), draft.drop, draft.detail)
  const command = commandOf(action, args)
  // What is late belongs to a session that was; it opens none now.
  const opener = command === 'track' && at >= now && core.autoStart && openerFor(origin, at)
  if (opener) {
    noteSession(core, subject.session, 'start', at)
    // It only serves the event behind it, which reports for both.
    accept(origin, queuedAction(subject, opener.action, opener, at)).catch(() => undefined)
  }
  const accepted = accept(origin, queuedAction(subject, action, draft, at, settle), urgent)
  if (command) noteSession(core, subject.session, command, at)
  return accepted
}

/** The action as it may be queued, or why it may not. */
function filtered(
  { core, consent, subject, userAgent }: Origin,
  action: string,
  content: Content,
  time: EpochMs,
): Content | Rejection {
  if (consent === 'denied') return { drop: 'consent' }
  let draft = content
  const { userId, deviceId } = subject
  try {
    for (const step of core.beforeSend) {
      const next = step({ ...draft, action, userId, deviceId, userAgent, time } as Draft)
      if (!next) return { drop: 'filtered' }
      if ('drop' in next) return next
      draft = next
    }
    return draft
  } catch (error) {
    core.tell('error', 'beforeSend threw', { action, name: draft.name, error })
    return { drop: 'filterFailed' }
  }
}

function accept({ core, consent, noteWork }: Origin, action: QueuedAction, isUrgent?: boolean): Promise<void> {
  noteWork?.()
  if (consent !== 'pending' || core.isClosed) return take(core, action, isUrgent)
  if (core.held.size >= core.maxQueue) return drop(core, action, 'queueFull')
  core.held.add(action)
  return DONE
}

/** What must go first if an active event is to find a session open; nothing if one is. */
function openerFor({ core, subject }: Origin, now: EpochMs) {
  const opener = openerOf(core, subject.session, now)
  if (!opener) return undefined
  const action = core.autoStart === 'start' ? 'start' : opener
  core.tell('debug', 'no open session is known', { opener: action, ...subject })
  return { action, args: action === 'start' ? undefined : { createDisposition: 'CreateIfNeeded' } }
}

/**
 * A heartbeat, where an active session has gone without activity for so long: as long as it may, for somebody who is sure to
 * send another.
 */
export function heartbeat(
  origin: Origin,
  quietMs = origin.core.sessionRules.inactivityMs - origin.core.heartbeatMarginMs,
): Promise<void> {
  const { core, subject } = origin
  if (quietFor(origin) >= quietMs) return submit(origin, 'heartbeat')
  core.tell('debug', 'no heartbeat needed', subject)
  return DONE
}

/** How long an active session has gone without activity, and so much of a paused one; nothing of any other. */
function quietFor({ core, subject }: Origin, ofPaused = NaN): number {
  const now = core.clock.now()
  const session = sessionOf(core, subject.session, now)
  if (session?.phase === 'active') return now - session.lastActivityAt
  return session?.phase === 'paused' ? ofPaused : NaN
}

export function ensureSession(origin: Origin, options: PresenceOptions = {}): Promise<void> {
  const { clock, sessionRules } = origin.core
  const opener = openerFor(origin, clock.now())
  if (opener) return submit(origin, opener.action, opener.args, options)
  if (!options.resume) return heartbeat(origin, Math.min(PRESENCE_MS, sessionRules.inactivityMs / 4))
  return quietFor(origin, Infinity) >= SEEN_MS ? submit(origin, 'resumeSession', {}, options) : DONE
}

/** Ends the wait for consent of a profile. */
export function decide(origin: Origin, consent: Consent): void {
  const { core, subject } = origin
  origin.consent = consent
  if (consent === 'pending') return
  for (const action of withdraw(core, subject.lane)) {
    if (consent === 'denied') void drop(core, action, 'consent')
    else take(core, action).catch((error: unknown) => core.tell('warn', String(error), {}))
  }
  // The session we noted was never sent.
  if (consent === 'denied') forgetSession(core, subject.session)
}

/** Drops all that waits for this profile, wherever. Resolves when nothing of it is under way or on the disk. */
export async function forget({ core, subject }: Origin): Promise<void> {
  const { lane, session } = subject
  await core.opening
  turnAway(core, 'deleted', lane)
  forgetSession(core, session)
  await forgetLane(core, lane)
  await core.outbox?.purge()
}

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
  if (action === 'start' && background) return 'startInBackground'
  if (disposition === 'passive') return undefined
  return disposition === 'active' ? COMMANDS[action] : 'heartbeat'
}
