import type { SessionRules } from '@damson/core/session'
import { isExported } from '../engine/available.ts'
import { type DataJob, type DataProgress, type DataResult, exportFile } from '../engine/export-jobs.ts'
import { histories, type History } from '../engine/histories.ts'
import { CSV_TYPES, csvHeader, recordRows } from '../engine/record-csv.ts'
import { type RecordOwner, recordText } from '../engine/record-text.ts'
import type { SessionRecord } from '../engine/record.ts'
import type { Files } from '../store/files.ts'
import type { Store } from '../store/store.ts'
import { createPartWriter, type PartWriter } from './part-writer.ts'
import type { JobType, Task } from './runner.ts'

export interface ExportDataOptions {
  readonly store: Pick<Store, 'owners' | 'entries'>
  readonly files: Files
  readonly rules: SessionRules
  readonly availabilityMs: number
  appNumber(appId: string): number
  /** Copies what was written to the bucket that was asked for. */
  copy(task: Task<DataJob>, progress: DataProgress): Promise<string>
  /** A file is ended when it has this many bytes. @source documented: "about 256 MB", specification 8.10 */
  readonly partBytes?: number
}

const PART_BYTES = 256_000_000

const NOTHING: DataProgress = {
  files: [],
  bytes: 0,
  sessions: 0,
  parts: 0,
  afterUserId: null,
  isWritten: false,
  copied: 0,
  upload: null,
  copyFailures: 0,
}

/**
 * `exportData`: walks over the users and writes the records that are asked for. After each part it keeps which user it is
 * at, so that a crash costs the part in hand, which is then written again under the same name.
 */
export function exportDataType(options: ExportDataOptions): JobType {
  const { store, rules, partBytes = PART_BYTES } = options

  async function run(task: Task<DataJob>): Promise<DataResult> {
    let progress = task.job.progress ?? NOTHING
    const users = histories(store, task.appId, rules, progress.afterUserId)
    try {
      while (!progress.isWritten) {
        progress = await writePart(users, task, progress)
        await task.save(progress)
      }
    } finally {
      await users.return(undefined)
    }
    const copied = task.job.request.s3 === null ? null : await options.copy(task, progress)
    const { files, bytes: numBytes, sessions: numSessions } = progress
    return { files, numBytes, numSessions, ...(copied !== null && { s3CopyStatus: copied }) }
  }

  async function writePart(
    users: AsyncGenerator<History>,
    { appId, job, signal }: Task<DataJob>,
    progress: DataProgress,
  ): Promise<DataProgress> {
    const { format, range, fileKey } = job.request
    const part = openPart(format, progress.parts, (name) =>
      createPartWriter(options.files, exportFile(options.appNumber(appId), fileKey, name)),
    )
    let { sessions, afterUserId } = progress
    let isWritten = false
    try {
      while (part.bytes() < partBytes) {
        signal.throwIfAborted()
        const next = await users.next()
        if (next.done === true) {
          isWritten = true
          break
        }
        const { value } = next
        for (const record of value.records) {
          if (!isExported(record, range, options.availabilityMs)) continue
          await part.write(record, value)
          sessions += 1
        }
        afterUserId = value.userId
      }
      await Promise.all(part.writers.map((writer) => writer.end()))
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error))
      await Promise.all(part.writers.map((writer) => writer.abandon(reason)))
      throw error
    }
    const bytes = part.writers.reduce((sum, writer) => sum + writer.bytes, progress.bytes)
    const files = [...progress.files, ...part.writers.map(({ name }) => name)]
    return { ...progress, files, bytes, sessions, parts: progress.parts + 1, afterUserId, isWritten }
  }

  return {
    run: (task) => run(task as Task<DataJob>),
    filesOf: (job) => (job as DataJob).progress?.files ?? [],
    cleaned: (request) => ({ ...(request as DataJob['request']), s3: null }),
  }
}

interface Part {
  readonly writers: readonly PartWriter[]
  write(record: SessionRecord, owner: RecordOwner): Promise<void>
  /** Of the longest of its files. */
  bytes(): number
}

/** One file of lines, or six of rows, each with its header. */
function openPart(format: 'json' | 'csv', index: number, open: (name: string) => PartWriter): Part {
  if (format === 'json') {
    const writer = open(`-${index}`)
    return {
      writers: [writer],
      write: (record, owner) => writer.write(`${recordText(record, owner)}\n`),
      bytes: () => writer.bytes,
    }
  }
  const writers = CSV_TYPES.map((type) => open(`${type}-${index}`))
  const begun = Promise.all(writers.map((writer, at) => writer.write(csvHeader(CSV_TYPES[at]!))))
  return {
    writers,
    async write(record, owner) {
      await begun
      const rows = recordRows(record, owner)
      for (const [at, writer] of writers.entries()) await writer.write(rows[CSV_TYPES[at]!])
    },
    bytes: () => Math.max(...writers.map((writer) => writer.bytes)),
  }
}
