import type { EpochMs } from '../clock.ts'

export type CircuitPhase = 'closed' | 'open' | 'probing'

/** Stops the whole pipeline while the server is down, then lets one request through to see. */
export interface Circuit {
  /** Rounds that failed in a row; failures of one round count once, however many requests were under way. */
  failures: number
  /** Nothing goes before. */
  pausedUntil: EpochMs
}

/** Failures in a row before the whole pipeline pauses. */
const THRESHOLD = 3

/** `probing`: one request at a time. */
export function phaseOf({ failures, pausedUntil }: Circuit, now: EpochMs): CircuitPhase {
  return now < pausedUntil ? 'open' : failures >= THRESHOLD ? 'probing' : 'closed'
}
