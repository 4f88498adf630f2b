import { setTimeout as pause } from 'node:timers/promises'
import { DamsonError } from '@damson/core'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { counting, historyOf, look, user } from '../../conformance/turns.ts'
import type { Store } from '../store.ts'
import { postgresStore } from './postgres-store.ts'
import {
  placeOf,
  createCitusDatabase,
  createDatabase,
  findCitus,
  findPostgres,
  migrateDatabase,
  rowsOf,
  type TestDatabase,
} from './testing.ts'

const SECONDS = Number(process.env.DAMSON_CHAOS_SECONDS ?? 3)
const USERS = 100
const WRITERS = 16
const NODES = 3

const server = await findPostgres()
const citus = findCitus()
let database: TestDatabase

describe.skipIf(server === null)('with a PostgreSQL', () => {
  suite(async () => {
    database = await createDatabase(server ?? '', 'chaos', true)
    await migrateDatabase(database.url)
  })
})

describe.skipIf(citus === null)('with a Citus, those between its nodes as well', () => {
  suite(async () => {
    database = await createCitusDatabase(citus ?? '', 'chaos', true)
    await migrateDatabase(database.url, true)
  }, true)
})

function suite(open: () => Promise<void>, isCitus = false): void {
  beforeAll(open, 60_000)
  afterAll(() => database.drop())

  test(
    'connections that are ended at random lose nothing and count nothing twice; the next turn works',
    { timeout: (SECONDS + 120) * 1_000 },
    async () => {
      const clocks = [0, 600_000, -600_000].map((skew) => ({ now: () => Date.now() + skew }))
      const nodes = await Promise.all(
        Array.from({ length: NODES }, (_, n) => postgresStore({ url: database.url, clock: clocks[n] ?? clocks[0]! })),
      )
      const end = performance.now() + SECONDS * 1_000
      const killing = Promise.all((await placesOf(database.url, isCitus)).map((url) => endConnections(url, end)))
      const tallies = await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(nodes, writer, end)))
      const killed = await killing
      expect(Math.min(...killed)).toBeGreaterThan(0)
      const sent = tallies.flatMap((tally) => tally.sent)
      const errors = tallies.reduce((sum, tally) => sum + tally.errors, 0)
      const longest = Math.max(...tallies.map(({ longestMs }) => longestMs))
      console.log(
        `${killed.join(' + ')} connections ended, ${sent.length} messages, ${errors} errors that were tried again; ` +
          `the longest a message took, all tries together: ${Math.round(longest)} ms`,
      )
      expect(errors / sent.length).toBeLessThan(0.05)
      for (const node of nodes) expect(await node.transact(user('after'), counting('after'))).toBeGreaterThan(0)
      for (let n = 0; n < USERS; n += 1) {
        const own = sent.filter((message) => message.userId === `user ${n}`).map(({ id }) => id)
        const node = nodes[n % NODES] as Store
        expect((await historyOf(node, `user ${n}`)).sort()).toEqual(own.sort())
        expect((await look(node, user(`user ${n}`))).subject?.eventCount ?? 0).toBe(own.length)
      }
      await Promise.all(nodes.map((node) => node.close()))
    },
  )
}

/** The database on every node. */
async function placesOf(url: string, isCitus: boolean): Promise<string[]> {
  if (!isCitus) return [url]
  const workers = await rowsOf<{ host: string; port: number }>(
    url,
    `SELECT nodename AS host, nodeport AS port FROM pg_dist_node WHERE groupid <> 0 AND noderole = 'primary'`,
  )
  return [url, ...workers.map((worker) => placeOf(url, worker))]
}

interface Tally {
  readonly sent: { readonly userId: string; readonly id: string }[]
  errors: number
  /** From the first try of a message to its answer. */
  longestMs: number
}

/** Sends messages to any node, each again and again until it is answered. */
async function write(nodes: readonly Store[], writer: number, end: number): Promise<Tally> {
  const tally: Tally = { sent: [], errors: 0, longestMs: 0 }
  for (let n = 0; performance.now() < end; n += 1) {
    const id = `${writer} ${n}`
    const userId = `user ${Math.floor(Math.random() * USERS)}`
    const since = performance.now()
    for (;;) {
      const node = nodes[Math.floor(Math.random() * nodes.length)] as Store
      try {
        await send(node, userId, id)
        break
      } catch (error) {
        if (!DamsonError.isInstance(error) || !error.isRetryable) throw error
        tally.errors += 1
      }
    }
    tally.longestMs = Math.max(tally.longestMs, performance.now() - since)
    tally.sent.push({ userId, id })
  }
  return tally
}

function send(node: Store, userId: string, id: string): Promise<unknown> {
  return node.transact(user(userId, { needsSeen: true, seenKeys: [id] }), (loaded) => {
    const before = loaded.seen(id)
    if (before !== undefined) return { answer: before }
    return { ...counting(userId, id)(loaded), answer: 'first', seen: [{ key: id, answer: 'again', at: Date.now() }] }
  })
}

/** Ends connections to the database, any of them, about twenty a second. @returns how many */
async function endConnections(url: string, end: number): Promise<number> {
  const client = new Client({ connectionString: url })
  await client.connect()
  let killed = 0
  while (performance.now() < end) {
    const { rows } = await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name ~ '^(damson|citus_internal)'
       ORDER BY random() LIMIT 1`,
    )
    killed += rows.length
    await pause(50)
  }
  await client.end()
  return killed
}
