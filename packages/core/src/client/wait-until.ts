import type { Timers } from './timers.ts'

/**
 * Hands `waitUntil` one promise per busy period: it resolves when a flush that waited `debounceMs` for company is done. A
 * function that tracks twenty events is kept alive once.
 */
export function createDebouncedFlush(
  waitUntil: (work: Promise<unknown>) => void,
  flush: () => Promise<unknown>,
  timers: Timers,
  debounceMs: number,
): () => void {
  let isWaiting = false
  return () => {
    if (isWaiting) return
    isWaiting = true
    waitUntil(
      new Promise<unknown>((resolve) => {
        const run = () => {
          isWaiting = false
          resolve(flush())
        }
        // Kept alive on purpose: the runtime was just asked to wait for it.
        timers.after(debounceMs, run, true)
      }),
    )
  }
}
