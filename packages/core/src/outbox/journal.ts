import { open, readdir, readFile, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { DamsonError } from '../errors.ts'
import type { StoredAction } from '../client/stored-action.ts'

/** Lines of actions (`{…}`) and of the ids that need not be sent any more (`-id`), in files that are only appended to. */
export interface Journal {
  /** Resolves when it is on the disk. @throws {DamsonError} OUTBOX_FULL; or what the disk says. */
  append(stored: StoredAction): Promise<void>
  remove(reqId: string): void
  /** Writes what is still needed to a new file, and deletes the others: nothing of what was removed can be read any more. */
  purge(): Promise<void>
  /** Writes what is left, and deletes the files if nothing in them is needed. */
  close(): Promise<void>
}

interface Segment {
  readonly path: string
  readonly handle: FileHandle
  bytes: number
  /** How many of its actions are still needed. */
  live: number
}

/** What waits to be written together, and whoever waits for it. */
interface Group {
  readonly lines: string[]
  readonly ids: string[]
  readonly done: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface JournalOptions {
  readonly maxBytes: number
  readonly segmentBytes: number
}

export function createJournal(folder: string, { maxBytes, segmentBytes }: JournalOptions): Journal {
  const segments: Segment[] = []
  /** Where each action that is still needed stands; `null` while it waits to be written. */
  const segmentOf = new Map<string, Segment | null>()
  let next = 1
  let group: Group | null = null
  let removals: string[] = []
  let writing: Promise<void> | null = null
  let pendingBytes = 0
  /** A write that failed may have left half a line. */
  let isTorn = false

  function append(stored: StoredAction): Promise<void> {
    const line = JSON.stringify(stored)
    const size = Buffer.byteLength(line) + 1
    const total = segments.reduce((sum, segment) => sum + segment.bytes, pendingBytes)
    if (total + size > maxBytes) return Promise.reject(outboxFull(folder, maxBytes))
    pendingBytes += size
    group ??= newGroup()
    group.lines.push(line)
    group.ids.push(stored.reqId)
    segmentOf.set(stored.reqId, null)
    const { done } = group
    write()
    return done
  }

  /** One write at a time; whatever comes meanwhile forms the next group and shares its flush to the disk. */
  function write(): void {
    writing ??= writeAll()
      // What could not be cleared away is in the way of nobody; actions have their own answer.
      .catch(() => undefined)
      .finally(writeNext)
  }

  function writeNext(): void {
    writing = null
    if (group !== null || removals.length > 0) write()
  }

  async function writeAll(): Promise<void> {
    // One turn, so that a loop of a thousand actions is one flush and not two.
    await Promise.resolve()
    while (group !== null) {
      const current: Group = group
      group = null
      pendingBytes = 0
      try {
        await writeGroup(current)
        current.resolve()
      } catch (error) {
        isTorn = true
        for (const id of current.ids) segmentOf.delete(id)
        current.reject(error)
      }
    }
    await writeRemovals()
    await letGo()
  }

  /** Not worth waiting for the disk: one that is forgotten is sent again and deduplicated. */
  async function writeRemovals(): Promise<void> {
    const last = segments.at(-1)
    const lines = takeRemovals()
    if (last === undefined || lines.length === 0) return
    const text = (isTorn ? '\n' : '') + lines.join('\n') + '\n'
    await last.handle.appendFile(text)
    last.bytes += Buffer.byteLength(text)
  }

  async function writeGroup({ lines, ids }: Pick<Group, 'lines' | 'ids'>): Promise<void> {
    const segment = await currentSegment()
    const text = (isTorn ? '\n' : '') + [...takeRemovals(), ...lines].join('\n') + '\n'
    await segment.handle.appendFile(text)
    await segment.handle.datasync()
    isTorn = false
    segment.bytes += Buffer.byteLength(text)
    for (const id of ids) {
      segment.live += 1
      segmentOf.set(id, segment)
    }
  }

  /** As lines, and off the books. One that is not written yet itself stays for the next time. */
  function takeRemovals(): string[] {
    const written: string[] = []
    removals = removals.filter((id) => {
      const segment = segmentOf.get(id)
      if (segment === null) return true
      if (segment !== undefined) {
        segment.live -= 1
        segmentOf.delete(id)
        written.push(`-${id}`)
      }
      return false
    })
    return written
  }

  async function currentSegment(): Promise<Segment> {
    const last = segments.at(-1)
    if (last !== undefined && last.bytes < segmentBytes) return last
    const path = join(folder, `${String(next++).padStart(8, '0')}.jsonl`)
    const segment: Segment = { path, handle: await open(path, 'a'), bytes: 0, live: 0 }
    segments.push(segment)
    return segment
  }

  async function written(): Promise<void> {
    if (writing === null) return
    await writing
    await written()
  }

  /** What is still needed is on the disk twice for a moment; ids meet again. */
  async function rewrite(): Promise<void> {
    const old = [...segments]
    const before = new Map(segmentOf)
    const stored = [...(await readJournal(folder)).values()].filter(({ reqId }) => segmentOf.has(reqId))
    segments.length = 0
    // As if they waited to be written: a removal that comes meanwhile is kept for the next time.
    for (const { reqId } of stored) segmentOf.set(reqId, null)
    try {
      const lines = stored.map((action) => JSON.stringify(action))
      if (stored.length > 0) await writeGroup({ lines, ids: stored.map(({ reqId }) => reqId) })
    } catch (error) {
      segments.unshift(...old)
      for (const { reqId } of stored) segmentOf.set(reqId, before.get(reqId) ?? null)
      isTorn = true
      throw error
    }
    for (const { handle, path } of old) {
      await handle.close()
      await rm(path, { force: true })
    }
  }

  /** Deletes files nothing in which is needed, oldest first: a younger one may say what an older one need not send. */
  async function letGo(): Promise<void> {
    while (segments.length > 1 && segments[0]!.live === 0) {
      const [segment] = segments.splice(0, 1)
      await segment!.handle.close()
      await rm(segment!.path, { force: true })
    }
    const only = segments[0]
    if (segments.length !== 1 || only === undefined || only.live > 0 || only.bytes < segmentBytes / 4) return
    await only.handle.truncate(0)
    only.bytes = 0
  }

  return {
    append,
    remove(reqId) {
      // One the disk refused was never on the books.
      if (!segmentOf.has(reqId)) return
      removals.push(reqId)
      write()
    },
    async purge() {
      while (writing !== null) await writing
      // In the place of a write: none other may begin meanwhile.
      const rewriting = rewrite()
      writing = rewriting.catch(() => undefined).finally(writeNext)
      await rewriting
    },
    async close() {
      await written()
      const isNeeded = segments.some((segment) => segment.live > 0)
      for (const segment of segments) {
        await segment.handle.close()
        if (!isNeeded) await rm(segment.path, { force: true })
      }
    },
  }
}

/** Reads what journals left in a folder. Half a line at the end of a file, or a damaged one, is passed over. */
export async function readJournal(folder: string): Promise<Map<string, StoredAction>> {
  const stored = new Map<string, StoredAction>()
  const removed = new Set<string>()
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort()
  for (const name of names) {
    const text = await readFile(join(folder, name), 'utf8')
    // Without its line feed the last line never was acknowledged.
    for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
      if (line.startsWith('-')) removed.add(line.slice(1))
      else if (line.startsWith('{')) {
        const action = parse(line)
        if (action !== null) stored.set(action.reqId, action)
      }
    }
  }
  for (const id of removed) stored.delete(id)
  return stored
}

function parse(line: string): StoredAction | null {
  try {
    const action = JSON.parse(line) as StoredAction
    return typeof action.reqId === 'string' && typeof action.time === 'number' ? action : null
  } catch {
    // Torn by a full disk or a power cut; whoever tracked it was never told that it was safe.
    return null
  }
}

function newGroup(): Group {
  const { promise: done, resolve, reject } = withResolvers()
  return { lines: [], ids: [], done, resolve, reject }
}

function withResolvers() {
  let resolve: () => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

function outboxFull(folder: string, maxBytes: number): DamsonError {
  const message = `The outbox ${folder} holds ${maxBytes} bytes and takes no more. Raise maxBytes, or see why nothing is delivered.`
  return new DamsonError('OUTBOX_FULL', message, { isRetryable: true })
}
