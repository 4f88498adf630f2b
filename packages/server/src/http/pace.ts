/** How many bytes of bodies are taken up in one turn of the event loop. @source assumed: 64 KiB are about a millisecond */
const BYTES_PER_TURN = 64 * 1024
/** What is shorter never waits: there is no more of it than there are connections. */
const SHORT_BYTES = 4 * 1024

/** `undefined`: go on at once; otherwise resolves when it is this body's turn. */
export type Pace = (bytes: number) => Promise<void> | undefined

/**
 * Spreads long bodies over the turns of the event loop, in the order they came. A batch holds the loop for milliseconds: of
 * several that arrive together only the first is taken up at once, so that short requests are heard in between, a commit is
 * under way while the next batch is decided, and only what is being worked on is in memory as objects.
 */
export function createPace(): Pace {
  const waiting: { readonly bytes: number; readonly go: () => void }[] = []
  let left = BYTES_PER_TURN
  let isTurnPlanned = false

  function take(bytes: number): void {
    left -= bytes
    if (isTurnPlanned) return
    isTurnPlanned = true
    setImmediate(nextTurn)
  }

  function nextTurn(): void {
    isTurnPlanned = false
    left = BYTES_PER_TURN
    while (left > 0) {
      const next = waiting.shift()
      if (next === undefined) return
      take(next.bytes)
      next.go()
    }
  }

  return (bytes) => {
    if (bytes < SHORT_BYTES) return undefined
    if (left > 0 && waiting.length === 0) return void take(bytes)
    return new Promise((resolve) => waiting.push({ bytes, go: resolve }))
  }
}
