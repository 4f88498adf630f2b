import { DAY_MS, SECOND_MS, type EpochMs } from '@damson/core'

/** A clock further off than this is not believed. @source observed: specification 5.3.1, between 23.2 h and 24.26 h */
export const MAX_SKEW_MS = DAY_MS

/**
 * With `exactTime`, a difference no larger than this is the way a request took and not a clock: were it corrected, what two
 * requests carry would be shifted by as much as the one took longer, and an event could fall before the start of its own
 * session. @source assumed: ours, decision 0015
 */
export const SAME_CLOCK_MS = 2 * SECOND_MS

/** What is older than this is not believed. @source observed: specification 5.3.2, 365.000 days pass, 365.007 do not */
export const MAX_AGE_MS = 365 * DAY_MS

/** Why a time was rewritten; `days` are whole days, rounded down. */
export type TimeWarning =
  | { readonly code: 'CLOCK_BEHIND' | 'CLOCK_AHEAD'; readonly days: number }
  | { readonly code: 'PAST_EVENT'; readonly days: number }

export interface EffectiveTime {
  readonly at: EpochMs
  readonly warning: TimeWarning | null
}

const wholeDays = (ms: number): number => Math.floor(ms / DAY_MS)

/**
 * When a batch was sent by the client's clock, as it is to be believed: the batch's own `time` (specification 5.2) or, if its
 * sender vouches for its clock with `exactTime` and is not obviously wrong, now.
 */
export function sendingTime(time: EpochMs | null, isExact: boolean, now: EpochMs): EpochMs | null {
  return time !== null && isExact && Math.abs(now - time) <= SAME_CLOCK_MS ? now : time
}

/**
 * When an action happened by our clock (specification 5.2, 5.3). `sentAt` is the client's clock at sending, known of a
 * `multi` only; `happenedAt` the client's clock when it happened. Without `sentAt` the action's time is taken as it is.
 */
export function effectiveTime(sentAt: EpochMs | null, happenedAt: EpochMs | null, now: EpochMs): EffectiveTime {
  if (sentAt === null) {
    if (happenedAt === null) return { at: now, warning: null }
    const ahead = happenedAt - now
    if (ahead > MAX_SKEW_MS) return { at: now, warning: { code: 'CLOCK_AHEAD', days: wholeDays(ahead) } }
    return aged(now - happenedAt, now)
  }
  const skew = now - sentAt
  if (skew > MAX_SKEW_MS) return { at: now, warning: { code: 'CLOCK_BEHIND', days: wholeDays(skew) } }
  if (-skew > MAX_SKEW_MS) return { at: now, warning: { code: 'CLOCK_AHEAD', days: wholeDays(-skew) } }
  return aged(happenedAt === null ? 0 : sentAt - happenedAt, now)
}

function aged(age: number, now: EpochMs): EffectiveTime {
  if (age > MAX_AGE_MS) return { at: now, warning: { code: 'PAST_EVENT', days: wholeDays(age) } }
  return { at: age > 0 ? now - age : now, warning: null }
}
