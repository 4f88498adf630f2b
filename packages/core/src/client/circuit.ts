import type { EpochMs } from '../clock.ts'
import type { Core } from './core.ts'

export type CircuitPhase = 'closed' | 'open' | 'probing'

/** Failures in a row before the whole pipeline pauses. */
const THRESHOLD = 3

/** Whether the pipeline is stopped, as the server is down, or lets one request through to see (`probing`). */
export function phaseOf({ failures, pausedUntil }: Core, now: EpochMs): CircuitPhase {
  return now < pausedUntil ? 'open' : failures >= THRESHOLD ? 'probing' : 'closed'
}
