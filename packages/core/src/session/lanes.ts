import type { EpochMs } from '../clock.ts'
import { headDeadline, headOf, type Head } from './expire.ts'
import type { Session, SessionCommand } from './session.ts'
import { DEFAULT_SESSION_RULES, type SessionRules } from './timing.ts'

/**
 * The key of the lane a command acts on; `''` is the lane without a device. A command that names its device stays
 * there. One that does not acts on the user's most recently active session still open at `at`, on any device; only
 * `start` always opens the lane without a device.
 * @source assumed: specification 6.2, unknowns 49
 */
export function chooseLane(
  lanes: Readonly<Record<string, Session>>,
  deviceId: string | null,
  commandType: SessionCommand['type'],
  at: EpochMs,
  rules: SessionRules = DEFAULT_SESSION_RULES,
): string {
  if (deviceId !== null) return deviceId
  if (commandType === 'start' || commandType === 'startInBackground') return ''

  let chosen = ''
  let best: Head | null = null
  for (const key of Object.keys(lanes)) {
    const session = lanes[key]
    const head = session === undefined ? null : openAt(session, at, rules)
    // Equally good: the smaller key, so that the answer does not hang on the order a store gives back keys in.
    const order = head === null ? -1 : best === null ? 1 : compare(head, best, commandType)
    if (order > 0 || (order === 0 && key < chosen)) {
      chosen = key
      best = head
    }
  }
  return chosen
}

/** The run of a lane that is open at `at`, whether or not a sweep has been there. */
function openAt(session: Session, at: EpochMs, rules: SessionRules): Head | null {
  const head = headOf(session)
  return head !== null && at >= head.run.startedAt && at < headDeadline(head, rules) ? head : null
}

function compare(a: Head, b: Head, commandType: SessionCommand['type']): number {
  return rank(a, commandType) - rank(b, commandType) || a.run.lastActivityAt - b.run.lastActivityAt
}

/** Sessions before pending background runs; for what needs an *active* session, active ones before paused ones. */
function rank(head: Head, commandType: SessionCommand['type']): number {
  if (head.phase === 'background') return 0
  const needsActive = commandType === 'track' || commandType === 'advance'
  return needsActive && head.phase === 'active' ? 2 : 1
}
