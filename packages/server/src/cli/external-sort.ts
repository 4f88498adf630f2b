import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { splitLines } from './lines.ts'

export interface SortOptions<T> {
  readonly compare: (one: T, other: T) => number
  /** How many items are held in memory; more are sorted in files of this many, which are then merged. */
  readonly runLength: number
}

/** Gives the items in order. They must be JSON; equal ones may change places. */
export async function* sorted<T>(
  batches: AsyncIterable<readonly T[]>,
  { compare, runLength }: SortOptions<T>,
): AsyncGenerator<T> {
  const runs: string[] = []
  let folder: string | undefined
  let run: T[] = []
  try {
    for await (const batch of batches) {
      for (const item of batch) {
        run.push(item)
        if (run.length < runLength) continue
        folder ??= await mkdtemp(join(tmpdir(), 'damson-sort-'))
        const file = join(folder, `${runs.length}.jsonl`)
        await writeFile(file, encoded(run.sort(compare)))
        runs.push(file)
        run = []
      }
    }
    run.sort(compare)
    if (runs.length === 0) yield* run
    else yield* merged([...runs.map((file) => readRun<T>(file)), run.values()], compare)
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}

async function* merged<T>(
  runs: readonly (AsyncIterator<T> | Iterator<T>)[],
  compare: (one: T, other: T) => number,
): AsyncGenerator<T> {
  const heads: { item: T; readonly run: AsyncIterator<T> | Iterator<T> }[] = []
  for (const run of runs) {
    const { done, value } = await run.next()
    if (!done) heads.push({ item: value, run })
  }
  while (heads.length > 0) {
    // There are few runs, a hundred for ten million items: looking at all of them is as fast as a heap.
    const least = heads.reduce((one, other) => (compare(other.item, one.item) < 0 ? other : one))
    yield least.item
    const { done, value } = await least.run.next()
    if (done) heads.splice(heads.indexOf(least), 1)
    else least.item = value
  }
}

/** Written in pieces, so that the text of a whole run is never in memory. */
function* encoded(items: readonly unknown[]): Generator<string> {
  for (let start = 0; start < items.length; start += 1_000) {
    yield items
      .slice(start, start + 1_000)
      .map((item) => `${JSON.stringify(item)}\n`)
      .join('')
  }
}

async function* readRun<T>(file: string): AsyncGenerator<T> {
  for await (const lines of splitLines(createReadStream(file) as AsyncIterable<Buffer>)) {
    for (const line of lines) yield JSON.parse(line) as T
  }
}
