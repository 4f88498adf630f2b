/** How the client waits. The system's timers by default; a fake clock in tests. */
export interface Timers {
  /**
   * Calls `run` once after `delayMs`, soon if that is not above 0. With `keepAlive` the process stays up for it: somebody awaits the result.
   * @returns cancels the call; does nothing after it.
   */
  after(delayMs: number, run: () => void, keepAlive: boolean): () => void
}

/** Node's largest delay; a longer one would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

export const systemTimers: Timers = {
  after(delayMs, run, keepAlive) {
    const timer = setTimeout(run, Math.min(delayMs, LONGEST_DELAY_MS))
    // Browsers and edge runtimes hand out numbers: nothing there keeps a process alive.
    if (!keepAlive) (timer as { unref?(): void }).unref?.()
    return () => clearTimeout(timer)
  },
}
