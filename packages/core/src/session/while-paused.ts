import type { EpochMs } from '../clock.ts'
import { advanceState } from './advance.ts'
import { outsideSession } from './offline.ts'
import { endSession, restartSession } from './opening.ts'
import { resumeRun, within } from './runs.ts'
import type { PausedSession, SessionCommand, Transition } from './session.ts'
import type { SessionRules } from './timing.ts'

/** Column "S paused" of the transition table: less than the pause limit has passed. */
export function reducePaused(
  session: PausedSession,
  command: SessionCommand,
  at: EpochMs,
  rules: SessionRules,
): Transition {
  switch (command.type) {
    case 'start':
      return rules.mergeStartWithinPause ? resume(session, at) : restartSession(session, command.id, at, rules)
    case 'resume':
      return resume(session, at)
    case 'startInBackground':
      return { session, effects: [], answer: { as: 'nothing' } }
    case 'pause':
    case 'heartbeat':
      return { session, effects: [], answer: within(session.run, at) }
    case 'stop':
      return endSession(session, session.pausedAt, at, command.reason ?? 'stop', rules)
    case 'track':
      if (at >= session.pausedAt) return outsideSession(session, command, at, rules)
      // It happened before the pause, so it only came late: the last activity is the pause itself.
      return {
        session,
        effects: command.disposition === 'passive' ? [] : [{ type: 'activity', at }],
        answer: within(session.run, at),
      }
    case 'advance':
      return at < session.pausedAt ? advanceState(session, command, at) : outsideSession(session, command, at, rules)
    default:
      return outsideSession(session, command, at, rules)
  }
}

function resume(session: PausedSession, at: EpochMs): Transition {
  const resumed = resumeRun(session, at)
  const { run } = resumed
  return {
    session: resumed,
    effects: [
      { type: 'resumed', sessionId: run.id, at: run.lastActivityAt },
      { type: 'activity', at },
    ],
    answer: within(run, at),
  }
}
