import type { EpochMs } from '../clock.ts'
import type { PastSession, Session } from './session.ts'
import { headEnd, headOf, type Head } from './expire.ts'
import type { SessionRules } from './timing.ts'

/**
 * The index of the past session that `at` belongs to, or -1. A growing one reaches on past its end, up to the time-out.
 * The search stops at the newest that began by then, so no session ever takes what happened after the next one began.
 */
export function coveringIndex(past: readonly PastSession[], at: EpochMs, rules: SessionRules): number {
  const index = past.findLastIndex((candidate) => candidate.startedAt <= at)
  const candidate = past[index]
  if (candidate === undefined) return -1
  return at <= candidate.endedAt || (candidate.growing && at < candidate.endedAt + rules.inactivityMs) ? index : -1
}

/** Keeps the newest `amendableCount` and what ended at most `amendableMs` before `knownAt`. */
export function prunePast(past: readonly PastSession[], knownAt: EpochMs, rules: SessionRules): readonly PastSession[] {
  const first = past.findIndex((candidate) => candidate.endedAt >= knownAt - rules.amendableMs)
  const start = Math.max(first === -1 ? past.length : first, past.length - rules.amendableCount)
  return start === 0 ? past : past.slice(start)
}

/** The past with this run, ended at `endedAt`, as its newest session. */
export function withEnded(
  past: readonly PastSession[],
  head: Head,
  endedAt: EpochMs,
  rules: SessionRules,
): readonly PastSession[] {
  const { id, startedAt, pausedMs } = head.run
  return prunePast([...past, { id, startedAt, endedAt, pausedMs, growing: false }], endedAt, rules)
}

/** The past of a session about to open another run: a lapsed run can be found open no longer, and becomes past. */
export function pastWithLapsed(session: Session, rules: SessionRules): readonly PastSession[] {
  const lapsed = session.phase === 'closed' ? session.lapsed : null
  if (lapsed === null || lapsed.phase === 'background') return session.past
  return withEnded(session.past, lapsed, headEnd(lapsed), rules)
}

/**
 * Whether a session that was dropped from the past may have been open at `at` or later: then no session may be made
 * there, as it could overlap one we no longer know. The sessions still known tell how far back dropping has gone.
 */
export function isForgotten(session: Session, at: EpochMs, rules: SessionRules): boolean {
  const { past } = session
  const oldest = past[0]
  if (past.length >= rules.amendableCount && (oldest === undefined || at < oldest.startedAt)) return true
  const head = headOf(session)
  const knownAt = head !== null && head.phase !== 'background' ? head.run.startedAt : past.at(-1)?.endedAt
  return knownAt !== undefined && at < knownAt - rules.amendableMs
}
