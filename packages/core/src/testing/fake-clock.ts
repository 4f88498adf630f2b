import type { Clock, EpochMs } from '../clock.ts'

/** A clock held in the hand: it stands still until it is told. */
export interface FakeClock extends Clock {
  /** @throws {RangeError} if `at` lies before the present instant: real time never goes back either. */
  set(at: EpochMs): void
  /** @throws {RangeError} if `durationMs` is negative. */
  advance(durationMs: number): void
}

/** Starts on a round instant, so that times in failing tests are easy to read. */
export function fakeClock(start: EpochMs = Date.UTC(2024, 0, 1)): FakeClock {
  let now = start
  const set = (at: EpochMs) => {
    // Written so that NaN is refused as well.
    if (!(at >= now)) throw new RangeError(`A clock never goes back: it is ${now}, and was set to ${at}.`)
    now = at
  }
  return { now: () => now, set, advance: (durationMs) => set(now + durationMs) }
}
