import { Readable } from 'node:stream'
import { DamsonError } from '@damson/core'
import { encodeElements, type RawArgs } from '@damson/core/protocol'
import { parse } from 'csv-parse'
import { csvAction } from '../engine/csv-action.ts'
import { exportFile } from '../engine/export-jobs.ts'
import { IMPORT_BATCH_ROWS, type MultiJob, type MultiProgress } from '../engine/import-jobs.ts'
import type { Performed } from '../engine/perform.ts'
import type { Egress } from '../services/egress.ts'
import type { Files } from '../store/files.ts'
import { createPartWriter } from './part-writer.ts'
import { JobRefusedError, type JobType, type Task } from './runner.ts'

export interface MultiOptions {
  readonly files: Files
  readonly egress: Egress
  appNumber(appId: string): number
  /** Carries out actions of an import, with the rights of the development key. */
  perform(appId: string, actions: readonly RawArgs[]): Promise<Performed>
  /** After so many rows their answers are kept as a file; a crash repeats those of one file, and nothing of it counts twice. */
  readonly rowsPerFile?: number
}

/** @source documented: the figure for CSV files, specification 1.4 */
const MAX_IMPORT_BYTES = 100_000_000

const IMPORT_TIMEOUT_MS = 600_000

const NOTHING: MultiProgress = { rows: 0, successes: 0, failures: 0, files: [] }

/** `multi` with `createJob`: carries out the rows of a file, fifty at a time, and keeps what each was answered. */
export function multiType(options: MultiOptions): JobType {
  const { files, rowsPerFile = 10_000 } = options

  async function run(task: Task<MultiJob>): Promise<MultiProgress> {
    const { appId, job, signal } = task
    let progress = job.progress ?? NOTHING
    const rows = batches(await open(job), progress.rows)
    try {
      for (;;) {
        const name = exportFile(options.appNumber(appId), job.request.fileKey, `-${progress.files.length}`)
        const writer = createPartWriter(files, name)
        let { rows: row, successes, failures } = progress
        try {
          for (let done = 0; done < rowsPerFile; done += IMPORT_BATCH_ROWS) {
            signal.throwIfAborted()
            const next = await rows.next()
            if (next.done === true) break
            const answers = await options.perform(appId, numbered(next.value, job.id, row))
            for (const { outcome, reqId } of answers.elements) {
              if (outcome.error === undefined) successes += 1
              else failures += 1
              await writer.write(lineOf({ outcome, reqId }, job.id))
            }
            row += next.value.length
          }
          await writer.end()
        } catch (error) {
          await writer.abandon(error instanceof Error ? error : new Error(String(error)))
          throw error
        }
        const isLast = row === progress.rows
        if (isLast && progress.files.length > 0) {
          await files.remove(name)
          return progress
        }
        progress = { rows: row, successes, failures, files: [...progress.files, name] }
        await task.save(progress)
        if (isLast) return progress
      }
    } finally {
      await rows.return(undefined)
    }
  }

  async function open({ request }: MultiJob): Promise<AsyncIterable<RawArgs>> {
    const { source, format, defaultAction } = request
    const content = source.type === 'url' ? await download(source.url, options.egress) : await read(source.name, files)
    return format === 'csv' ? csvActions(content, defaultAction) : jsonActions(content, defaultAction)
  }

  return {
    run: (task) => run(task as Task<MultiJob>),
    filesOf(job) {
      const { progress, request } = job as MultiJob
      const { source } = request
      return [...(progress?.files ?? []), ...(source.type === 'file' && source.isUpload ? [source.name] : [])]
    },
  }
}

/** So that a row which is carried out again after a crash counts once; a row with an id of its own keeps it. */
function numbered(actions: readonly RawArgs[], jobId: string, first: number): readonly RawArgs[] {
  return actions.map((action, index) => ({ reqId: `${jobId}:${first + index}`, ...action }))
}

/** The answer as a request of its own would have had it; an id that we gave is not shown. */
function lineOf(element: Performed['elements'][number], jobId: string): string {
  const isOurs = typeof element.reqId === 'string' && element.reqId.startsWith(`${jobId}:`)
  const text = encodeElements([isOurs ? { ...element, reqId: undefined } : element])
  return `${text.slice('{"response":['.length, -2)}\n`
}

async function read(name: string, files: Files): Promise<AsyncIterable<Uint8Array>> {
  const file = await files.get(name)
  if (file === null) throw new JobRefusedError('File not found.')
  if (file.bytes > MAX_IMPORT_BYTES)
    throw new JobRefusedError(`Expected a file of at most ${MAX_IMPORT_BYTES} bytes, found ${file.bytes}.`)
  return file.content
}

async function download(url: string, egress: Egress): Promise<AsyncIterable<Uint8Array>> {
  try {
    const response = await egress(url, { maxBytes: MAX_IMPORT_BYTES, timeoutMs: IMPORT_TIMEOUT_MS })
    if (response.status !== 200) throw new JobRefusedError(`Expected the file, found status ${response.status}.`)
    return Readable.from([Buffer.from(await response.arrayBuffer())])
  } catch (error) {
    if (DamsonError.isInstance(error) && !error.isRetryable) throw new JobRefusedError(error.message)
    throw error
  }
}

async function* csvActions(content: AsyncIterable<Uint8Array>, defaultAction: string | null): AsyncGenerator<RawArgs> {
  const parser = Readable.from(content).pipe(parse({ bom: true, relax_column_count: true, skip_empty_lines: true }))
  let header: readonly string[] | null = null
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      if (header === null) header = cells.map((name) => name.trim())
      else yield csvAction(header, cells, defaultAction)
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_'))
      throw new JobRefusedError(`The CSV cannot be read: ${error.message}`)
    throw error
  }
  if (header === null) throw new JobRefusedError('Expected a header and rows, found an empty file.')
}

async function* jsonActions(content: AsyncIterable<Uint8Array>, defaultAction: string | null): AsyncGenerator<RawArgs> {
  const chunks: Uint8Array[] = []
  for await (const chunk of content) chunks.push(chunk)
  let list: unknown
  try {
    list = JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new JobRefusedError('Expected a JSON list of actions, found no JSON.')
  }
  if (typeof list === 'object' && list !== null && 'data' in list) list = list.data
  if (!Array.isArray(list)) throw new JobRefusedError('Expected a JSON list of actions, found something else.')
  for (const action of list as unknown[]) {
    if (typeof action !== 'object' || action === null || Array.isArray(action)) yield {}
    else yield defaultAction === null ? (action as RawArgs) : { action: defaultAction, ...action }
  }
}

/** Fifty at a time, from row `from` on. */
async function* batches(actions: AsyncIterable<RawArgs>, from: number): AsyncGenerator<readonly RawArgs[]> {
  let batch: RawArgs[] = []
  let row = 0
  for await (const action of actions) {
    row += 1
    if (row <= from) continue
    batch.push(action)
    if (batch.length < IMPORT_BATCH_ROWS) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
