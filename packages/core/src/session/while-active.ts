import type { EpochMs } from '../clock.ts'
import { advanceState } from './advance.ts'
import { outsideSession } from './offline.ts'
import { endSession, restartSession } from './opening.ts'
import { notBefore, pauseRun, withActivity, within } from './runs.ts'
import type { ActiveSession, AppState, SessionCommand, Transition } from './session.ts'
import { pauseClock, resumeClock } from './states.ts'
import type { SessionRules } from './timing.ts'

/** Column "S active" of the transition table. */
export function reduceActive(
  session: ActiveSession,
  command: SessionCommand,
  at: EpochMs,
  rules: SessionRules,
): Transition {
  switch (command.type) {
    case 'start':
      return restartSession(session, command.id, at, rules)
    case 'startInBackground':
      return { session, effects: [], answer: { as: 'nothing' } }
    case 'track':
      if (command.disposition === 'passive') return { session, effects: [], answer: within(session.run, at) }
      return activeAt(session, at)
    case 'resume':
    case 'heartbeat':
      return activeAt(session, at)
    case 'advance':
      return advanceState(session, command, at)
    case 'pauseState':
      return withStateClock(session, at, (state, changedAt) => pauseClock(state, changedAt, true))
    case 'resumeState':
      return withStateClock(session, at, resumeClock)
    case 'pause': {
      const paused = pauseRun(session, at)
      return {
        session: paused,
        effects: [
          { type: 'paused', sessionId: session.run.id, at: paused.pausedAt },
          { type: 'activity', at },
        ],
        answer: within(session.run, at),
      }
    }
    case 'stop':
      return endSession(session, notBefore(session.run, at), at, command.reason ?? 'stop', rules)
    default:
      return outsideSession(session, command, at, rules)
  }
}

function activeAt(session: ActiveSession, at: EpochMs): Transition {
  const active = withActivity(session, at)
  return { session: active, effects: [{ type: 'activity', at }], answer: within(active.run, at) }
}

/** Pauses or resumes the current state, if there is one; the user was active either way. */
function withStateClock(
  session: ActiveSession,
  at: EpochMs,
  change: (state: AppState, at: EpochMs) => AppState,
): Transition {
  const next = activeAt(session, at)
  const { run } = session
  if (run.state === null) return next
  const changedAt = notBefore(run, at)
  const changed = { ...session, run: { ...run, lastActivityAt: changedAt, state: change(run.state, changedAt) } }
  return { ...next, session: changed }
}
