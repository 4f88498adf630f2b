import { createHash } from 'node:crypto'
import { DEFAULT_SESSION_RULES } from '@damson/core/session'
import { readHistory } from '../../engine/histories.ts'
import type { Store } from '../../store/store.ts'
import { importRecords } from './import-records.ts'
import type { CsvType } from '../../engine/record-csv.ts'
import { joinTables, type RawRow } from './raw-csv.ts'
import { linesOf, type Note, rowsOf, type RawFolder } from './raw-files.ts'
import { parseRawLine } from './raw-json.ts'
import { RawError, type RawRecord } from './raw-record.ts'
import { type ImportedRecord, readRecord } from './read-record.ts'

export interface ImportReport {
  records: number
  /** Of those, the ones that were there already: read a second time, or before a crash. */
  known: number
  events: number
  /** What could not be read, and why; the first ones. */
  readonly unreadable: { readonly where: string; readonly why: string }[]
  unreadableCount: number
}

export interface ImportOptions {
  readonly store: Store
  readonly appId: string
  /** Names the import, so that it can be gone on with. */
  readonly name: string
  readonly folder: RawFolder
  /** How many records are read between two commits of how far it is. */
  readonly batchRecords?: number
  /** `part`: how much of the work is done, from 0 to 1, by the bytes of the folder. */
  onProgress?(report: ImportReport, part: number): void
}

/** Documents that say how far an import is; gone when it has ended. */
const IMPORT_KIND = 'import'
const UNREADABLE_MAX = 1_000

interface Checkpoint extends ImportReport {
  /** Sources that are done, by what they are, and how many records of the one in hand. */
  readonly source: string
  readonly taken: number
}

/** Where records come from: one file of lines, or the six tables together. */
interface Source {
  readonly key: string
  readonly bytes: number
  /** Notes as many bytes as it has, one after the other, as the work that they stand for is done. */
  read(note: Note): AsyncIterable<readonly Raw[]>
}

/** A record, or why there is none. */
interface Raw {
  readonly where: string
  read(): RawRecord
}

/**
 * Takes raw exports over into an app: each record once, whatever happens. A record is known by its id in its user's history;
 * how far the import is only spares reading again what is done.
 */
export async function importFolder(options: ImportOptions): Promise<ImportReport> {
  const { store, appId, name, batchRecords = 2_000, onProgress } = options
  const before = (await store.documents(appId, IMPORT_KIND)).documents.get(name) as Checkpoint | undefined
  const report: ImportReport = before
    ? { ...before, unreadable: [...before.unreadable] }
    : { records: 0, known: 0, events: 0, unreadable: [], unreadableCount: 0 }
  let isReached = before === undefined
  const sources = sourcesOf(options.folder)
  const total = sources.reduce((sum, { bytes }) => sum + bytes, 0)
  let read = 0
  const note: Note = (bytes) => {
    read += bytes
    onProgress?.(report, Math.min(1, read / total))
  }
  for (const source of sources) {
    const isCurrent = source.key === before?.source
    if (!isReached && !isCurrent) {
      note(source.bytes)
      continue
    }
    isReached = true
    const skip = isCurrent ? before.taken : 0
    let taken = 0
    let batch: Raw[] = []
    const take = async (): Promise<void> => {
      await takeBatch(options, batch, report)
      batch = []
      const checkpoint: Checkpoint = { ...report, source: source.key, taken }
      await store.changeDocuments(appId, IMPORT_KIND, () => ({ answer: null, put: { [name]: checkpoint } }))
    }
    for await (const raws of source.read(note)) {
      for (const raw of raws) {
        taken += 1
        if (taken <= skip) continue
        batch.push(raw)
        if (batch.length >= batchRecords) await take()
      }
    }
    await take()
  }
  await store.changeDocuments(appId, IMPORT_KIND, () => ({ answer: null, put: { [name]: null } }))
  return report
}

function sourcesOf({ json, csv }: RawFolder): readonly Source[] {
  const files = json.map(({ name, path, bytes }) => ({
    key: `${name} ${bytes}`,
    bytes,
    read: (note: Note) => jsonRecords(name, path, note),
  }))
  if (csv.length === 0) return files
  const key = csv.map(({ name, bytes }) => `${name} ${bytes}`).join('|')
  return [
    ...files,
    { key: createHash('sha256').update(key).digest('hex'), bytes: bytesOf(csv), read: (note) => csvRecords(csv, note) },
  ]
}

function bytesOf(files: RawFolder['csv']): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

async function* jsonRecords(name: string, path: string, note: Note): AsyncGenerator<readonly Raw[]> {
  let number = 0
  for await (const lines of linesOf(path, note)) {
    const raws: Raw[] = []
    for (const line of lines) {
      number += 1
      if (line.trim() !== '') raws.push({ where: `${name}:${number}`, read: () => parseRawLine(line) })
    }
    yield raws
  }
}

/** All tables are read before the first session is there: reading them is half of the work, taking sessions the other. */
async function* csvRecords(csv: RawFolder['csv'], note: Note): AsyncGenerator<readonly Raw[]> {
  let sessions = 0
  const rows = async function* (types: readonly CsvType[]): AsyncGenerator<readonly RawRow[]> {
    for await (const read of rowsOf(csv, types, (bytes) => note(bytes / 2))) {
      for (const { type } of read) if (type === 'sessions') sessions += 1
      yield read
    }
  }
  for await (const { record, sessionId } of joinTables(rows)) {
    if (record !== null) note(bytesOf(csv) / 2 / sessions)
    const read = (): RawRecord => {
      if (record === null) throw new RawError('it has rows in other tables, but none in sessions')
      return record
    }
    yield [{ where: `session ${sessionId}`, read }]
  }
}

async function takeBatch(options: ImportOptions, raws: readonly Raw[], report: ImportReport): Promise<void> {
  const byUser = new Map<string, ImportedRecord[]>()
  for (const { where, read } of raws) {
    try {
      const imported = readRecord(read())
      const own = byUser.get(imported.userId) ?? []
      byUser.set(imported.userId, own)
      own.push(imported)
      report.records += 1
    } catch (error) {
      if (!(error instanceof RawError)) throw error
      report.unreadableCount += 1
      if (report.unreadable.length < UNREADABLE_MAX) report.unreadable.push({ where, why: error.message })
    }
  }
  // Users are independent of each other: what they write shares commits.
  const users = [...byUser].values()
  const worker = async (): Promise<void> => {
    for (const [userId, records] of users) await takeUser(options, userId, records, report)
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}

async function takeUser(
  { store, appId }: ImportOptions,
  userId: string,
  records: readonly ImportedRecord[],
  report: ImportReport,
): Promise<void> {
  const { records: known } = await readHistory(store, appId, userId, null, DEFAULT_SESSION_RULES)
  const seen = new Set(known.map(({ id }) => id))
  const fresh = records.filter(({ record }) => !seen.has(record.id) && seen.add(record.id))
  report.known += records.length - fresh.length
  if (fresh.length === 0) return
  for (const { record } of fresh) for (const { events } of record.states) report.events += events.length
  const ref = { appId, userId, deviceId: null, needsSeen: false }
  // This process alone has the data, so nobody has added to the history since it was read.
  await store.transact(ref, ({ subject }) => importRecords(subject, userId, fresh))
}
