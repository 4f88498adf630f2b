import { type EpochMs, SECOND_MS } from '@damson/core'
import { LRUCache } from 'lru-cache'

/** How many devices are kept apart; the one not heard of for longest is forgotten first. */
const DEVICES_MAX = 10_000

/**
 * One devMode request a second for each device, on average, with a burst (specification 2.4, unknowns 12). Keeps one
 * instant a device: when its next request would be due if it had sent evenly (GCRA).
 */
export class DevLimit {
  readonly #due = new LRUCache<string, EpochMs>({ max: DEVICES_MAX })

  /** @returns whether this request may pass; one that may not is not counted */
  admits(device: string, burst: number, now: EpochMs): boolean {
    const known = this.#due.get(device) ?? now
    // Further ahead than a whole burst is not possible: the clock was set back, and the count begins anew.
    const due = known > now + burst * SECOND_MS ? now : Math.max(known, now)
    if (due - now > (burst - 1) * SECOND_MS) return false
    this.#due.set(device, due + SECOND_MS)
    return true
  }
}
