import type { Timers } from '../client/timers.ts'
import type { FakeClock } from './fake-clock.ts'

/** Timers on a fake clock: nothing is due until the clock is moved through them. */
export interface FakeTimers extends Timers {
  /**
   * Moves the clock on, stopping at each timer on the way and letting promises run there. Timers that come due on the way,
   * set by those before them, are met as well.
   */
  advance(durationMs: number): Promise<void>
  /** Lets promises run without moving the clock. */
  settle(): Promise<void>
  pending(): number
}

export function fakeTimers(clock: FakeClock): FakeTimers {
  const timers = new Set<{ readonly at: number; readonly run: () => void }>()

  function next(until: number) {
    let first: { readonly at: number; readonly run: () => void } | null = null
    for (const timer of timers) if (timer.at <= until && (first === null || timer.at < first.at)) first = timer
    return first
  }

  return {
    after(delayMs, run) {
      const timer = { at: clock.now() + Math.max(delayMs, 0), run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    async advance(durationMs) {
      const until = clock.now() + durationMs
      await settle()
      for (let timer = next(until); timer !== null; timer = next(until)) {
        timers.delete(timer)
        if (timer.at > clock.now()) clock.set(timer.at)
        timer.run()
        await settle()
      }
      clock.set(until)
      await settle()
    },
    settle,
    pending: () => timers.size,
  }
}

/** A turn of the event loop runs all promises that can run; an answer's body takes a few of them. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve))
}
