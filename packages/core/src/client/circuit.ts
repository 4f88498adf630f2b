import type { EpochMs } from '../clock.ts'

export type CircuitPhase = 'closed' | 'open' | 'probing'

/** Stops the whole pipeline while the server is down, then lets one request through to see. */
export interface Circuit {
  /** Whether a request may go now, with `inFlight` already under way. */
  allows(now: EpochMs, inFlight: number): boolean
  /** When to look again; 0 while it is closed. */
  opensAt(): EpochMs
  /** Names the present round; failures of one round count once, however many requests were under way. */
  round(): number
  succeeded(): void
  /** @returns how many rounds have failed in a row, this one included. */
  failed(round: number): number
  /** Nothing goes before `at`. */
  pauseUntil(at: EpochMs): void
  phase(now: EpochMs): CircuitPhase
}

export function createCircuit(threshold: number): Circuit {
  let failures = 0
  let pausedUntil: EpochMs = 0
  let round = 0
  const isTripped = () => failures >= threshold
  return {
    allows: (now, inFlight) => now >= pausedUntil && (!isTripped() || inFlight === 0),
    opensAt: () => pausedUntil,
    round: () => round,
    succeeded() {
      failures = 0
      pausedUntil = 0
      round += 1
    },
    failed(of) {
      if (of === round) {
        failures += 1
        round += 1
      }
      return failures
    },
    pauseUntil(at) {
      pausedUntil = Math.max(pausedUntil, at)
    },
    phase: (now) => (now < pausedUntil ? 'open' : isTripped() ? 'probing' : 'closed'),
  }
}
