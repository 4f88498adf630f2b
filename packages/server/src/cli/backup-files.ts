import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { Problem, reasonOf } from './problem.ts'

/** What a backup says of itself; written last, so that a folder with it is whole. */
const manifest = z.object({
  format: z.literal(1),
  madeAt: z.iso.datetime(),
  files: z.array(z.object({ name: z.string(), bytes: z.number().int(), sha256: z.string() })),
})

export type Manifest = z.infer<typeof manifest>

const MANIFEST = 'backup.json'

export function isBackup(folder: string): boolean {
  return existsSync(join(folder, MANIFEST))
}

/** @throws {Problem} when there is none, or it is no manifest */
export async function readManifest(folder: string): Promise<Manifest> {
  const file = join(folder, MANIFEST)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new Problem(`${folder} is no finished backup: ${file} cannot be read (${reasonOf(error)}).`)
  }
  try {
    return manifest.parse(JSON.parse(text))
  } catch {
    throw new Problem(`${file} is damaged: it does not say what a backup holds.`)
  }
}

export async function writeManifest(folder: string, files: Manifest['files'], madeAt: Date): Promise<void> {
  const text = `${JSON.stringify({ format: 1, madeAt: madeAt.toISOString(), files }, null, 2)}\n`
  await putWhole(join(folder, MANIFEST), [Buffer.from(text)])
}

/** The digest and length of a file, read piece by piece. */
export async function digestOf(file: string): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** Writes beside its place, flushes, then moves there: a file with the name is whole. */
export async function putWhole(file: string, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const part = `${file}.part`
  const handle = await open(part, 'w')
  try {
    for await (const chunk of content) await handle.writeFile(chunk)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await moveInto(part, file)
}

/** Flushes a file that another process has written, and gives it its name. */
export async function settleFile(part: string, file: string): Promise<void> {
  const handle = await open(part, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  await moveInto(part, file)
}

async function moveInto(part: string, file: string): Promise<void> {
  await rename(part, file)
  const folder = await open(dirname(file), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** What an attempt that was cut off has left: of it nothing is used. */
export async function removeLeftovers(folder: string): Promise<void> {
  for (const name of ['damson.db', 'damson.db.part', 'damson.db.part-journal', `${MANIFEST}.part`])
    await rm(join(folder, name), { force: true })
  await rm(join(folder, 'files'), { recursive: true, force: true })
}

export async function isEmptyFolder(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => [])
  const ours = new Set(['damson.db', 'damson.db.part', 'damson.db.part-journal', `${MANIFEST}.part`, 'files'])
  return names.every((name) => ours.has(name))
}

export async function sizeOf(file: string): Promise<number | null> {
  const found = await stat(file).catch(() => null)
  return found?.size ?? null
}
