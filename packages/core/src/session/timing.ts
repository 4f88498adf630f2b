import { DAY_MS, HOUR_MS } from '../clock.ts'
import { SESSION_INACTIVITY_MS, SESSION_PAUSED_MS } from './outline.ts'

export { SESSION_INACTIVITY_MS, SESSION_PAUSED_MS }

/**
 * How long a closed session takes events that happened inside it.
 * @source documented: specification 6.1 F20, 6.3 (S-20)
 */
export const SESSION_AMENDABLE_MS = 8 * DAY_MS

/** How many closed sessions of one device stay amendable; keeps the value small. @source assumed: decision 0003 */
export const SESSION_AMENDABLE_COUNT = 20

/**
 * How long one offline record collects what happened outside sessions, counted from its first event.
 * @source assumed: specification 6.7
 */
export const OFFLINE_RECORD_MS = 24 * HOUR_MS

/** The numbers and switches of the session rules; every operator may choose others. */
export interface SessionRules {
  readonly inactivityMs: number
  readonly pausedMs: number
  readonly amendableMs: number
  readonly amendableCount: number
  readonly offlineRecordMs: number
  /** `start` within the pause limit continues the paused session (unknowns 37). */
  readonly mergeStartWithinPause: boolean
}

export const DEFAULT_SESSION_RULES: SessionRules = {
  inactivityMs: SESSION_INACTIVITY_MS,
  pausedMs: SESSION_PAUSED_MS,
  amendableMs: SESSION_AMENDABLE_MS,
  amendableCount: SESSION_AMENDABLE_COUNT,
  offlineRecordMs: OFFLINE_RECORD_MS,
  mergeStartWithinPause: true,
}
