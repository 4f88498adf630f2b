import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { createLeases } from './leases.ts'
import { migrate } from './migrate.ts'
import { createSessions } from './session.ts'
import { EMPTY, pglitePool } from './testing.ts'

const pglite = new PGlite()
const pool = pglitePool(pglite)
await migrate(pool)
const sessions = createSessions({ pool, lockTimeoutMs: 1_000, statementTimeoutMs: 10_000 })
afterAll(() => pglite.close())
beforeEach(() => pglite.exec(EMPTY))

/** Processes, each with a watch of its own that starts anywhere. */
function world(...starts: readonly number[]) {
  const times = [...starts]
  const nodes = starts.map((_, index) => createLeases(sessions, () => times[index] ?? 0))
  return { nodes, pass: (ms: number) => times.forEach((time, index) => (times[index] = time + ms)) }
}

async function heldBy(nodes: readonly { held(): Promise<readonly number[]> }[]): Promise<number[][]> {
  const held: number[][] = []
  for (const node of nodes) held.push([...(await node.held())])
  return held
}

test('one process looks after all buckets; with more they are shared out, each to one', async () => {
  const { nodes, pass } = world(0, 600_000, -600_000)
  const [one, two, three] = nodes
  expect((await one!.held()).length).toBe(64)
  for (let round = 0; round < 4; round += 1) {
    pass(5_000)
    await heldBy([one!, two!, three!])
  }
  const held = await heldBy(nodes)
  expect(held.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, bucket) => bucket))
  expect(Math.max(...held.map(({ length }) => length))).toBeLessThanOrEqual(22)
})

test('what a process leaves behind when it is killed is taken over after fifteen seconds, not before', async () => {
  const { nodes, pass } = world(0, 1_000_000)
  const [one, two] = nodes
  await one!.held()
  expect(await two!.held()).toEqual([])
  for (let round = 0; round < 2; round += 1) {
    pass(5_000)
    expect(await two!.held()).toEqual([])
  }
  pass(5_000)
  expect((await two!.held()).length).toBe(64)
})

test('one that is closed leaves everything at once', async () => {
  const { nodes, pass } = world(0, 0)
  const [one, two] = nodes
  await one!.held()
  await one!.release()
  pass(5_000)
  expect((await two!.held()).length).toBe(64)
})

test('a process that slept over its lease does not keep what others took', async () => {
  const { nodes, pass } = world(0, 0)
  const [one, two] = nodes
  await one!.held()
  await two!.held()
  pass(15_000)
  expect((await two!.held()).length).toBe(64)
  const [first, second] = await heldBy([one!, two!])
  expect(first!.filter((bucket) => second!.includes(bucket))).toEqual([])
})
