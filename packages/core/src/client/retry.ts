import type { EpochMs } from '../clock.ts'
import type { Core } from './core.ts'

export interface Backoff {
  /** The longest first wait. Milliseconds. */
  readonly firstMs: number
  /** No wait is longer, however many failures there were. Milliseconds. */
  readonly ceilingMs: number
}

/** However long a server asks for; beyond it we look again. */
const RETRY_AFTER_MAX_MS = 3_600_000

/** Full jitter: anything between nothing and the exponential ceiling, so that many clients do not return at once. */
export function waitAfter(failures: number, { backoff, random }: Core): number {
  // Without a first wait the exponent ends in 0 × ∞.
  return Math.round(random() * Math.min(backoff.ceilingMs, backoff.firstMs * 2 ** (failures - 1))) || 0
}

/** Reads `Retry-After`: seconds or an HTTP date. 0 when it asks for nothing, or nothing that makes sense. */
export function retryAfterMs(header: string | null, now: EpochMs): number {
  const waitMs = Number(header) * 1000 || Date.parse(header ?? '') - now
  return Math.min(waitMs > 0 ? waitMs : 0, RETRY_AFTER_MAX_MS)
}
