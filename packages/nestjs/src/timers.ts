import type { Timers } from '@damson/core'

/** The system's timers; none of ours keeps a process alive. */
export const unrefTimers: Timers = {
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs).unref()
    return () => clearTimeout(timer)
  },
}
