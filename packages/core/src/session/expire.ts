import type { EpochMs } from '../clock.ts'
import type { ClosedSession, Session, SessionEffect } from './session.ts'
import { runEnded } from './runs.ts'
import { DEFAULT_SESSION_RULES, type SessionRules } from './timing.ts'

/** A run that has not been ended by a command, with its phase: what an open session and a lapsed one have in common. */
export type Head = NonNullable<ClosedSession['lapsed']>

/** The newest run, open or lapsed; null when the newest was ended by a command, or there never was one. */
export function headOf(session: Session): Head | null {
  return session.phase === 'closed' ? session.lapsed : session
}

/** The instant at which this run times out; at that instant it already has. */
export function headDeadline(head: Head, rules: SessionRules): EpochMs {
  switch (head.phase) {
    case 'active':
      return head.run.lastActivityAt + rules.inactivityMs
    case 'paused':
      return head.pausedAt + rules.pausedMs
    case 'background':
      return head.run.startedAt + rules.inactivityMs
  }
}

/** When a run that timed out ended: at its last sign of life, never at its deadline (unknowns 40). */
export function headEnd(head: Head): EpochMs {
  return head.phase === 'paused' ? head.pausedAt : head.run.lastActivityAt
}

/** Whether a run is open, by what the session says; it may be past its deadline and wait to be expired. */
export function isOpen(session: Session): boolean {
  return session.phase !== 'closed'
}

/** The instant at which the open run times out; null when closed. */
export function deadlineOf(session: Session, rules: SessionRules = DEFAULT_SESSION_RULES): EpochMs | null {
  return session.phase === 'closed' ? null : headDeadline(session, rules)
}

/**
 * Closes a session whose deadline is at or before `now`; any other comes back as it is. Pure, and safe to run as often
 * or as rarely as one likes: the run is kept as `lapsed`, so an event from before its deadline still finds it open.
 */
export function expireSession(
  session: Session,
  now: EpochMs,
  rules: SessionRules = DEFAULT_SESSION_RULES,
): { readonly session: Session; readonly effects: readonly SessionEffect[] } {
  if (session.phase === 'closed' || now < headDeadline(session, rules)) return { session, effects: [] }
  const { past, offline } = session
  return { session: { phase: 'closed', lapsed: onlyHead(session), past, offline }, effects: lapseEffects(session) }
}

/** Opens a lapsed run again for an event of before its deadline. `at` is not before the run began. */
export function reopenSession(
  session: Session,
  at: EpochMs,
  rules: SessionRules,
): { readonly session: Session; readonly effects: readonly SessionEffect[] } {
  const head = session.phase === 'closed' ? session.lapsed : null
  if (head === null || at >= headDeadline(head, rules)) return { session, effects: [] }
  const { past, offline } = session
  const reopened: Session = { ...head, past, offline }
  if (head.phase === 'background') return { session: reopened, effects: [] }
  const durationMs = headEnd(head) - head.run.startedAt - head.run.pausedMs
  return { session: reopened, effects: [{ type: 'reopened', sessionId: head.run.id, durationMs }] }
}

function lapseEffects(head: Head): SessionEffect[] {
  if (head.phase === 'background') return [{ type: 'discarded', sessionId: head.run.id }]
  return runEnded(head.run, headEnd(head), head.phase === 'paused' ? 'pauseTimeout' : 'timeout')
}

function onlyHead(head: Head): Head {
  if (head.phase === 'paused') return { phase: head.phase, run: head.run, pausedAt: head.pausedAt }
  return { phase: head.phase, run: head.run }
}
