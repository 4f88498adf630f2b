import type { EpochMs } from '../clock.ts'
import { outsideSession } from './offline.ts'
import { prunePast } from './past.ts'
import { newRun, within } from './runs.ts'
import type { BackgroundSession, SessionCommand, Transition } from './session.ts'
import type { SessionRules } from './timing.ts'

/** Column "S background-pending" of the transition table: a run nobody has seen yet. It holds nothing. */
export function reduceBackground(
  session: BackgroundSession,
  command: SessionCommand,
  at: EpochMs,
  rules: SessionRules,
): Transition {
  const { run } = session
  switch (command.type) {
    case 'start':
    case 'resume': {
      const counted = newRun(run.id, at)
      return {
        session: { phase: 'active', run: counted, past: prunePast(session.past, at, rules), offline: null },
        effects: [
          { type: 'counted', sessionId: run.id, at },
          { type: 'activity', at },
        ],
        answer: within(counted, at),
      }
    }
    case 'startInBackground': {
      // Nobody has seen the first one, so replacing it is the same as beginning it later (F19).
      const begun = newRun(run.id, at)
      return { session: { ...session, run: begun }, effects: [], answer: within(begun, at) }
    }
    case 'pause':
    case 'heartbeat':
      return { session, effects: [], answer: within(run, at) }
    case 'stop':
      return {
        session: { phase: 'closed', lapsed: null, past: session.past, offline: session.offline },
        effects: [{ type: 'discarded', sessionId: run.id }],
        answer: within(run, at),
      }
    default:
      return outsideSession(session, command, at, rules)
  }
}
