/** The part of Node's `process` we call; Bun and Deno have it too, browsers and edge runtimes do not. */
interface ProcessLike {
  once(event: 'beforeExit', run: () => void): unknown
  off(event: 'beforeExit', run: () => void): unknown
}

/** Clients whose last events would be lost if the process just ran out of work. One listener serves them all. */
const flushers = new Set<() => Promise<unknown>>()

/**
 * Flushes once when the process has nothing left to do: a script that tracks and ends loses nothing, and an idle process
 * still exits at once. Signals and `process.exit` are the host's: there it awaits `close()`. A client is remembered only
 * while it has something to send, so that one nobody closed can be collected.
 */
export function flushBeforeExit(flush: () => Promise<unknown>): (isBusy: boolean) => void {
  const host = (globalThis as { process?: Partial<ProcessLike> }).process
  return (isBusy) => {
    try {
      if (isBusy && !flushers.size) host?.once?.('beforeExit', flushAll)
    } catch {
      // The edge of Next has everything of `process` that Node has, and throws whichever of it is called: nobody to ask there.
      return
    }
    if (isBusy) flushers.add(flush)
    else if (flushers.delete(flush) && !flushers.size) host?.off?.('beforeExit', flushAll)
  }
}

function flushAll(): void {
  const all = [...flushers]
  // Node asks again whenever new work has ended: once is enough, or a dead server would keep the process up for ever.
  flushers.clear()
  for (const flush of all) void flush()
}
