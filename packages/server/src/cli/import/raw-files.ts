import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { parse } from 'csv-parse'
import { splitLines } from '../lines.ts'
import { Problem, reasonOf } from '../problem.ts'
import type { CsvType } from '../../engine/record-csv.ts'
import { type RawRow, tableOf } from './raw-csv.ts'

/** What a folder of raw exports holds. */
export interface RawFolder {
  readonly json: readonly RawFile[]
  readonly csv: readonly (RawFile & { readonly type: CsvType })[]
  /** Files that are neither, by name. */
  readonly others: readonly string[]
}

export interface RawFile {
  readonly name: string
  readonly path: string
  readonly bytes: number
}

/** Looks at the beginning of every file in a folder. @throws {Problem} when the folder cannot be read */
export async function openRawFolder(folder: string): Promise<RawFolder> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new Problem(`cannot read ${folder}: ${reasonOf(error)}.`)
  })
  const found = { json: [] as RawFile[], csv: [] as (RawFile & { type: CsvType })[], others: [] as string[] }
  for (const name of names.sort(byNumber)) {
    const path = join(folder, name)
    const { size: bytes, isFile } = await stat(path).then((one) => ({ size: one.size, isFile: one.isFile() }))
    if (!isFile) continue
    const type = bytes === 0 ? null : await kindOf(path)
    if (type === 'json') found.json.push({ name, path, bytes })
    else if (type === null) found.others.push(name)
    else found.csv.push({ name, path, bytes, type })
  }
  return found
}

/** Part 10 comes after part 9. */
const byNumber = new Intl.Collator('en', { numeric: true }).compare

/** The first line says what it is: a JSON object, or the header of one of the six tables. */
async function kindOf(path: string): Promise<'json' | CsvType | null> {
  for await (const [first] of linesOf(path)) {
    if (first === undefined) continue
    const line = first.replace(/^\uFEFF/, '').trim()
    if (line.startsWith('{')) return line.includes('"sessionId"') ? 'json' : null
    return tableOf(line.split(',').map((name) => name.replace(/^"(.*)"$/, '$1')))
  }
  return null
}

/** Told how many bytes of a file were read since it was told last; of a packed one, packed bytes. */
export type Note = (bytes: number) => void

export function linesOf(path: string, note: Note = () => {}): AsyncIterable<readonly string[]> {
  return splitLines(bytesOf(path, note) as AsyncIterable<Buffer>)
}

/** Rows by their columns, a few hundred at a time. A damaged table is told with its file's name. */
export async function* rowsOf(
  files: RawFolder['csv'],
  types: readonly CsvType[],
  note: Note,
): AsyncGenerator<readonly RawRow[]> {
  for (const { path, name, type } of files) {
    if (!types.includes(type)) continue
    const parser = Readable.from(bytesOf(path, note)).pipe(
      parse({ bom: true, columns: true, relax_column_count: true }),
    )
    let rows: RawRow[] = []
    try {
      for await (const cells of parser as AsyncIterable<Record<string, string>>) {
        if (rows.push({ type, cells }) < 500) continue
        yield rows
        rows = []
      }
    } catch (error) {
      throw new Problem(`cannot read ${name}: ${reasonOf(error)}.`)
    }
    yield rows
  }
}

async function* bytesOf(path: string, note: Note): AsyncGenerator<Uint8Array> {
  const raw = createReadStream(path).on('data', ({ length }) => note(length))
  yield* (path.endsWith('.gz') ? raw.pipe(createGunzip()) : raw) as AsyncIterable<Uint8Array>
}
