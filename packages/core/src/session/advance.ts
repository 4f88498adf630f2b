import type { EpochMs } from '../clock.ts'
import { notBefore } from './runs.ts'
import type { ActiveSession, PausedSession, SessionCommand, SessionEffect, Transition } from './session.ts'
import { newState, pauseClock, stateEntered, stateLeft } from './states.ts'

/**
 * Leaves the current state of an open session and enters the named one, if any. Within a paused session (for an event
 * of before the pause that came after it) the new state begins with its clock stopped, as the pause stopped it.
 */
export function advanceState(
  session: ActiveSession | PausedSession,
  command: Extract<SessionCommand, { type: 'advance' }>,
  at: EpochMs,
): Transition {
  const { run } = session
  const enteredAt = notBefore(run, at)
  const entered = command.state === '' ? null : newState(command.stateId, command.state, enteredAt)
  const state = entered !== null && session.phase === 'paused' ? pauseClock(entered, session.pausedAt, false) : entered

  const effects: SessionEffect[] = []
  if (run.state !== null) effects.push(stateLeft(run.state, enteredAt, run.id))
  if (entered !== null) effects.push(stateEntered(entered, enteredAt, run.id, false))
  effects.push({ type: 'activity', at })
  return {
    session: { ...session, run: { ...run, lastActivityAt: enteredAt, state } },
    effects,
    answer: { as: 'session', sessionId: run.id, stateId: entered?.id ?? null },
  }
}
