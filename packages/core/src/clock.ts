/** An instant: whole milliseconds since 1970-01-01 UTC. Seconds live on the wire only. */
export type EpochMs = number

/** Where the time comes from. Read once per request or tick, at the edge, and passed down as a value. */
export interface Clock {
  now(): EpochMs
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now() }

export const SECOND_MS = 1_000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS
export const DAY_MS = 24 * HOUR_MS
