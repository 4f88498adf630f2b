import type { EpochMs } from '../clock.ts'

export interface Backoff {
  /** The longest first wait. Milliseconds. */
  readonly firstMs: number
  /** No wait is longer, however many failures there were. Milliseconds. */
  readonly ceilingMs: number
}

/** However long a server asks for; beyond it we look again. */
const RETRY_AFTER_MAX_MS = 3_600_000

/** Full jitter: anything between nothing and the exponential ceiling, so that many clients do not return at once. */
export function waitAfter(failures: number, backoff: Backoff, random: () => number): number {
  const longest = Math.min(backoff.ceilingMs, backoff.firstMs * 2 ** Math.min(failures - 1, 30))
  return Math.round(random() * longest)
}

/** Reads `Retry-After`: seconds or an HTTP date. 0 when it asks for nothing, or nothing that makes sense. */
export function retryAfterMs(header: string | null, now: EpochMs): number {
  const waitMs = Number(header) * 1000 || Date.parse(header ?? '') - now
  return Math.min(Math.max(waitMs || 0, 0), RETRY_AFTER_MAX_MS)
}
