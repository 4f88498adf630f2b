import type { Files } from '../store/files.ts'

/** A file of an export while it is being written; nothing of it is there before `end` has resolved. */
export interface PartWriter {
  readonly name: string
  /** Bytes so far. */
  readonly bytes: number
  /** Resolves when more may come: memory holds two pieces. */
  write(text: string): Promise<void>
  end(): Promise<void>
  /** Nothing of it stays. */
  abandon(reason: Error): Promise<void>
}

/** Rows are gathered to pieces of at most this many bytes, unless one is longer. */
const PIECE_BYTES = 64 * 1024

/**
 * Text becomes bytes at once, in one of two pieces of memory that are used in turns: text that waited would be old when it is
 * handed on, and so would memory that is made for each piece, and the collector leaves what is old lying for a long time.
 */
export function createPartWriter(files: Files, name: string): PartWriter {
  const { pieces, give, fail } = createHandover()
  const written = files.put(name, pieces())
  written.catch(fail)
  let piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
  let other = Buffer.allocUnsafeSlow(PIECE_BYTES)
  let filled = 0
  let given = 0

  async function hand(bytes: Uint8Array): Promise<void> {
    given += bytes.length
    await give(bytes)
  }

  async function flush(): Promise<void> {
    if (filled === 0) return
    const full = piece.subarray(0, filled)
    filled = 0
    await hand(full)
    // Whoever took this piece is done with the one before.
    const before = other
    other = piece
    piece = before
  }

  return {
    name,
    get bytes() {
      return given + filled
    },
    async write(text) {
      const length = Buffer.byteLength(text)
      if (length > PIECE_BYTES - filled) await flush()
      if (length > PIECE_BYTES) return hand(Buffer.from(text))
      filled += piece.write(text, filled)
    },
    async end() {
      await flush()
      await give(null)
      await written
    },
    async abandon(reason) {
      fail(reason)
      await written.catch(() => undefined)
    },
  }
}

interface Handover {
  pieces(): AsyncGenerator<Uint8Array, void>
  /** Resolves when the piece was taken, and the one before it is done with; `null` is the end. */
  give(piece: Uint8Array | null): Promise<void>
  fail(error: unknown): void
}

/** Hands pieces from one who writes to one who reads; each waits for the other. */
function createHandover(): Handover {
  let asked = deferred<void>()
  let given = deferred<Uint8Array | null>()
  return {
    async *pieces() {
      for (;;) {
        asked.resolve()
        const piece = await given.promise
        if (piece === null) return
        yield piece
      }
    },
    async give(piece) {
      await asked.promise
      const { resolve } = given
      asked = deferred()
      given = deferred()
      resolve(piece)
    },
    fail(error) {
      asked.reject(error)
      given.reject(error)
    },
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(error: unknown): void
}

function deferred<T>(): Deferred<T> {
  let settle: Omit<Deferred<T>, 'promise'> | undefined
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }))
  // Whoever waits hears of a failure; if nobody does, it is no failure of the process.
  promise.catch(() => undefined)
  return { promise, ...settle! }
}
