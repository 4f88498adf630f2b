import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { Files } from '../store/files.ts'

/** A file of an export while it is being written; nothing of it is there before `end` has resolved. */
export interface PartWriter {
  readonly name: string
  /** Bytes so far. */
  readonly bytes: number
  /** Resolves when more may come: memory holds no more than a few pieces. */
  write(text: string): Promise<void>
  end(): Promise<void>
  /** Nothing of it stays. */
  abandon(reason: Error): Promise<void>
}

/** Small rows are gathered to pieces of about this many characters before they are handed on. */
const PIECE = 64 * 1024

export function createPartWriter(files: Files, name: string): PartWriter {
  const stream = new PassThrough({ highWaterMark: 4 * PIECE })
  // Of a stream that is destroyed, whoever waits hears; without a listener, the process would.
  stream.on('error', () => undefined)
  const written = files.put(name, stream)
  written.catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))))
  let bytes = 0
  let pending = ''

  async function flush(): Promise<void> {
    if (pending === '') return
    const piece = Buffer.from(pending)
    pending = ''
    bytes += piece.length
    if (stream.destroyed) await written
    if (!stream.write(piece)) await once(stream, 'drain')
  }

  return {
    name,
    get bytes() {
      return bytes + pending.length
    },
    async write(text) {
      pending += text
      if (pending.length >= PIECE) await flush()
    },
    async end() {
      await flush()
      stream.end()
      await written
    },
    async abandon(reason) {
      stream.destroy(reason)
      await written.catch(() => undefined)
    },
  }
}
