import type { EpochMs } from '../clock.ts'
import { expireSession, reopenSession } from './expire.ts'
import { isLate, reduceLate } from './late.ts'
import { outsideSession } from './offline.ts'
import { openBackground, openCounted } from './opening.ts'
import type { ClosedSession, Session, SessionCommand, Transition } from './session.ts'
import { DEFAULT_SESSION_RULES, type SessionRules } from './timing.ts'
import { reduceActive } from './while-active.ts'
import { reduceBackground } from './while-background.ts'
import { reducePaused } from './while-paused.ts'

export { deadlineOf, expireSession, isOpen } from './expire.ts'

/**
 * Folds one command into a session (specification 6.4, decision 0003). Pure: no clock, no ids, no I/O.
 * `at` is the command's effective event time; it may lie before that of commands folded earlier.
 */
export function reduceSession(
  session: Session,
  command: SessionCommand,
  at: EpochMs,
  rules: SessionRules = DEFAULT_SESSION_RULES,
): Transition {
  const expired = expireSession(session, at, rules)
  if (command.type === 'touch') return { ...expired, answer: { as: 'nothing' } }
  if (isLate(expired.session, command, at)) return reduceLate(session, command, at, rules)

  const reopened = reopenSession(expired.session, at, rules)
  const next = reduceByPhase(reopened.session, command, at, rules)
  const before = expired.effects.length > 0 ? expired.effects : reopened.effects
  return before.length === 0 ? next : { ...next, effects: [...before, ...next.effects] }
}

/** The columns of the transition table: a run that is open here really is, and none began after `at`. */
function reduceByPhase(session: Session, command: SessionCommand, at: EpochMs, rules: SessionRules): Transition {
  switch (session.phase) {
    case 'active':
      return reduceActive(session, command, at, rules)
    case 'paused':
      return reducePaused(session, command, at, rules)
    case 'background':
      return reduceBackground(session, command, at, rules)
    case 'closed':
      return reduceClosed(session, command, at, rules)
  }
}

function reduceClosed(session: ClosedSession, command: SessionCommand, at: EpochMs, rules: SessionRules): Transition {
  switch (command.type) {
    case 'start':
    case 'resume':
      return openCounted(session, command.id, at, [], rules)
    case 'startInBackground':
      return openBackground(session, command.id, at, rules)
    default:
      return outsideSession(session, command, at, rules)
  }
}
