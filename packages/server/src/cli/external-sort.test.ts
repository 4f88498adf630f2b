import * as fc from 'fast-check'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { sorted } from './external-sort.ts'
import { splitLines } from './lines.ts'

async function* from<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

const compare = (one: number, other: number) => one - other
const leftOver = async () => (await readdir(tmpdir())).filter((name) => name.startsWith('damson-sort-'))

test('gives every item in order, however few of them are held in memory', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.integer())), fc.integer({ min: 1, max: 20 }), async (batches, runLength) => {
      const items = batches.flat()
      expect(await all(sorted(from(batches), { compare, runLength }))).toEqual(items.sort(compare))
    }),
  )
})

test('leaves no file behind, not even when nobody reads to the end', async () => {
  const before = await leftOver()
  for await (const item of sorted(from([[3, 1, 2]]), { compare, runLength: 1 })) {
    expect(item).toBe(1)
    break
  }
  expect(await leftOver()).toEqual(before)
})

test('lines are the same wherever the chunks are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat(50)), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((line) => `${line.replaceAll('\n', ' ')}\n`).join(''))
      const chunks: Buffer[] = []
      let start = 0
      for (const cut of cuts) chunks.push(bytes.subarray(start, (start += cut)))
      chunks.push(bytes.subarray(start))
      const read = (await all(splitLines(from(chunks)))).flat()
      expect(read).toEqual(lines.map((line) => line.replaceAll('\n', ' ')))
    }),
  )
})
