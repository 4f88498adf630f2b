import type { EpochMs } from '../clock.ts'
import { headEnd } from './expire.ts'
import { pastWithLapsed, prunePast, withEnded } from './past.ts'
import { newRun, notBefore, runEnded, within } from './runs.ts'
import type { ActiveSession, ClosedSession, EndReason, PausedSession, SessionEffect, Transition } from './session.ts'
import type { SessionRules } from './timing.ts'

/** Opens a counted session at `at`; `before` is what had to happen first. Offline collecting ends here. */
export function openCounted(
  session: ClosedSession,
  id: string,
  at: EpochMs,
  before: readonly SessionEffect[],
  rules: SessionRules,
): Transition {
  const run = newRun(id, at)
  const past = prunePast(pastWithLapsed(session, rules), at, rules)
  const effects: SessionEffect[] = [
    ...before,
    { type: 'started', sessionId: id, at, counted: true },
    { type: 'activity', at },
  ]
  return { session: { phase: 'active', run, past, offline: null }, effects, answer: within(run, at) }
}

/** Opens a run that is not counted and holds nothing, until it is resumed (F5). */
export function openBackground(session: ClosedSession, id: string, at: EpochMs, rules: SessionRules): Transition {
  const run = newRun(id, at)
  return {
    session: { phase: 'background', run, past: pastWithLapsed(session, rules), offline: session.offline },
    effects: [{ type: 'started', sessionId: id, at, counted: false }],
    answer: within(run, at),
  }
}

/** Ends the open session at `endedAt`; the user did so at `at`. */
export function endSession(
  session: ActiveSession | PausedSession,
  endedAt: EpochMs,
  at: EpochMs,
  reason: EndReason,
  rules: SessionRules,
): Transition {
  return {
    session: closed(session, endedAt, rules),
    effects: [...runEnded(session.run, endedAt, reason), { type: 'activity', at }],
    answer: within(session.run, at),
  }
}

/** A `start` that does not continue the open session: that one ends at its last sign of life, a new one begins. */
export function restartSession(
  session: ActiveSession | PausedSession,
  id: string,
  at: EpochMs,
  rules: SessionRules,
): Transition {
  const endedAt = headEnd(session)
  const ended = runEnded(session.run, endedAt, 'restart')
  return openCounted(closed(session, endedAt, rules), id, notBefore(session.run, at), ended, rules)
}

function closed(session: ActiveSession | PausedSession, endedAt: EpochMs, rules: SessionRules): ClosedSession {
  const past = withEnded(session.past, session, endedAt, rules)
  return { phase: 'closed', lapsed: null, past, offline: session.offline }
}
