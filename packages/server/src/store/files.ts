import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { randomUUID } from 'node:crypto'

/** Bytes under names: files of variables, finished exports. A name is a path of plain segments, such as `exports/1/a.json`. */
export interface Files {
  /**
   * Writes a whole file; it is there, complete and durable, when this resolves, and not at all before. A chunk is good until the
   * next one is asked for: its memory may be used again, so what is kept for longer is copied.
   */
  put(name: string, content: Content): Promise<FileStat>
  /** `null` when there is none. The bytes are read as the iteration asks for them. */
  get(name: string): Promise<StoredFile | null>
  /** No error if there is none. */
  remove(name: string): Promise<void>
  /** Names that begin with `prefix`, sorted. */
  list(prefix: string): Promise<readonly string[]>
}

export type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

export interface FileStat {
  readonly bytes: number
}

export interface StoredFile extends FileStat {
  readonly content: AsyncIterable<Uint8Array>
}

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/

/** @throws {RangeError} a name that could lead out of the folder, or that file systems do not agree on */
export function checkFileName(name: string): string {
  if (name.length <= 500 && NAME.test(name)) return name
  throw new RangeError(`Expected a file name of letters, digits, '-', '_' and '.', but found ${JSON.stringify(name)}.`)
}

/** Keeps files in this process, for tests and for trying things out. */
export function memoryFiles(): Files {
  const files = new Map<string, Buffer>()
  return {
    async put(name, content) {
      checkFileName(name)
      const chunks: Uint8Array[] = []
      for await (const chunk of content) chunks.push(Uint8Array.from(chunk))
      const bytes = Buffer.concat(chunks)
      files.set(name, bytes)
      return { bytes: bytes.length }
    },
    async get(name) {
      const bytes = files.get(checkFileName(name))
      return bytes === undefined ? null : { bytes: bytes.length, content: each([bytes]) }
    },
    async remove(name) {
      files.delete(checkFileName(name))
    },
    list: async (prefix) => [...files.keys()].filter((name) => name.startsWith(prefix)).sort(),
  }
}

/** Keeps files in a folder, made if need be. A file is written beside its place, flushed, and then moved there. */
export function folderFiles(folder: string): Files {
  const root = resolve(folder)
  const pathOf = (name: string): string => join(root, checkFileName(name))
  return {
    async put(name, content) {
      const path = pathOf(name)
      await mkdir(dirname(path), { recursive: true })
      const beside = join(root, `.${randomUUID()}.part`)
      try {
        const bytes = await writeWhole(beside, content)
        await rename(beside, path)
        await flushFolder(dirname(path))
        return { bytes }
      } catch (error) {
        await rm(beside, { force: true })
        throw error
      }
    },
    async get(name) {
      const path = pathOf(name)
      const found = await stat(path).catch(orNull)
      return found === null ? null : { bytes: found.size, content: opened(path) }
    },
    remove: (name) => rm(pathOf(name), { force: true }),
    async list(prefix) {
      const found = await readdir(root, { recursive: true, withFileTypes: true }).catch(orNull)
      return (found ?? [])
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
        .filter((name) => name.startsWith(prefix) && NAME.test(name))
        .sort()
    },
  }
}

/** Opened by whoever begins to read, so that a file nobody reads is not left open. */
async function* opened(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path) as AsyncIterable<Uint8Array>
}

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

async function writeWhole(path: string, content: Content): Promise<number> {
  const file = await open(path, 'wx')
  let bytes = 0
  try {
    for await (const chunk of content) {
      await file.writeFile(chunk)
      bytes += chunk.length
    }
    await file.sync()
  } finally {
    await file.close()
  }
  return bytes
}

/** Without this a crash may forget that the file was moved to its place. */
async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function orNull(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}
