import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DAY_MS, HOUR_MS, MINUTE_MS, systemClock } from '@damson/core'
import { fakeClock } from '@damson/core/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { profileOf, user, writing } from '../../conformance/turns.ts'
import { createServer } from '../../server.ts'
import { pgPool } from '../../store/postgres/pg-pool.ts'
import type { PostgresPool } from '../../store/postgres/pool.ts'
import { postgresStore } from '../../store/postgres/postgres-store.ts'
import { createDatabase, findPostgres, migrateDatabase, type TestDatabase } from '../../store/postgres/testing.ts'
import { actionOf, diceOf, pick } from '../../store/random-actions.ts'
import { type SqliteStore, sqliteStore } from '../../store/sqlite/sqlite-store.ts'
import { createMover, MoveInterrupted, type Mover } from './mover.ts'
import { everything } from './everything.ts'
import { sourceOf } from './source.ts'
import { openTarget } from './target.ts'

/** `DAMSON_MOVES=50` for the whole. */
const MOVES = Number(process.env.DAMSON_MOVES ?? 3)
const SEED = Number(process.env.DAMSON_SEED ?? Date.now() % 1_000_000)
const ACTORS = 12
const ACTIONS = 40
const KEYS = { production: ['prod'], development: ['dev'], dataExport: ['export'] }
const APP = { appId: 'app', name: 'App', keys: KEYS }
const SILENT = { begin: () => {}, step: () => {}, end: () => {}, say: () => {} }

const server = await findPostgres()
console.info(`DAMSON_SEED=${SEED} DAMSON_MOVES=${MOVES}`)

describe.skipIf(server === null)('a move', () => {
  let folder: string
  let database: TestDatabase
  let store: SqliteStore
  let pool: PostgresPool
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'damson-mover-'))
    database = await createDatabase(server ?? '', 'mover')
    await migrateDatabase(database.url)
    store = await sqliteStore({ file: join(folder, 'damson.db') })
    pool = await poolOf(database.url)
  })
  afterEach(async () => {
    await store.close()
    await pool.end()
    await database.drop()
    rmSync(folder, { recursive: true })
  })

  test.each(Array.from({ length: MOVES }, (_, index) => SEED + index))(
    'takes over whatever happens while it goes on, however often it is broken off (seed %i)',
    { timeout: 120_000 },
    async (seed) => {
      const world = openWorld(store, seed)
      await world.begin()
      await world.act(ACTIONS)
      const dice = diceOf(seed + 1)
      const source = sourceOf(store, true, async () => {})
      const begun = await source.begin('move 1')
      const acting = world.act(ACTIONS)
      for (let isCopied = false; !isCopied;) {
        const target = await openTarget(pool, systemClock)
        if (target.mark === null) await target.begin(begun)
        const isInterrupted = () => dice() < 0.05
        const mover = createMover({ source, target, clock: systemClock, progress: SILENT, isInterrupted, atOnce: 7 })
        isCopied = await mover.copy(begun).then(
          () => true,
          (error: unknown) => {
            if (!(error instanceof MoveInterrupted)) throw error
            return false
          },
        )
      }
      await world.act(3)
      await acting
      const target = await openTarget(pool, systemClock)
      const options = { source, target, clock: systemClock, progress: SILENT, isInterrupted: () => false, atOnce: 7 }
      const before = await everything(store, APP.appId)
      const done = await createMover(options).handOver('postgres://there/')
      expect(done.database).toEqual(done.folder)
      await target.end()
      const copy = await postgresStore({ url: database.url })
      expect(await everything(copy, APP.appId)).toEqual(before)
      await copy.close()
    },
  )

  /** A move that has copied everybody, and waits for its hand-over. */
  async function copied(): Promise<Mover> {
    const source = sourceOf(store, true, async () => {})
    const target = await openTarget(pool, systemClock)
    const begun = await source.begin('move 1')
    await target.begin(begun)
    const mover = createMover({ source, target, clock: systemClock, progress: SILENT, isInterrupted: () => false })
    await mover.copy(begun)
    return mover
  }

  test('takes a message id over once that was answered twice meanwhile', async () => {
    const answering = (answer: string) =>
      store.transact(user('ann'), writing(profileOf('ann'), { seen: [{ key: 'm1', answer, at: systemClock.now() }] }))
    await answering('at first')
    const mover = await copied()
    await answering('again')
    await answering('and again')
    const { database: counts } = await mover.handOver('postgres://there/')
    expect(counts).toMatchObject({ profiles: 1, seen: 1 })
  })

  test.each([
    { name: 'that was forgotten last of all', late: [] },
    { name: 'that was under way when its day was forgotten', late: ['late'] },
  ])('takes over, and counts, no message id of a day that is over: $name', async ({ late }) => {
    const day = Math.floor(systemClock.now() / DAY_MS)
    const answering = (key: string, at: number) =>
      store.transact(user('ann'), writing(profileOf('ann'), { seen: [{ key, answer: '', at }] }))
    await answering('older', (day - 1) * DAY_MS)
    await answering('today', day * DAY_MS)
    const mover = await copied()
    await store.forget((day + 1) * DAY_MS)
    for (const key of late) await answering(key, (day - 1) * DAY_MS)
    const { folder: here, database: there } = await mover.handOver('postgres://there/')
    expect([here.seen, there.seen]).toEqual([1, 1])
  })
})

/** People who do anything that is in the API, and time that passes. */
function openWorld(store: SqliteStore, seed: number) {
  const clock = fakeClock(1_700_000_000_000)
  const dice = diceOf(seed)
  const { engine } = createServer({ store, apps: [APP], clock })
  const caller = { address: null, acceptLanguage: null }
  const perform = (outer: object) => engine.perform({ outer: { appId: APP.appId, ...outer } }, caller)

  async function actor(number: number, actions: number): Promise<void> {
    for (let action = 0; action < actions; action += 1) {
      clock.advance(pick(dice, [0, 1, 1_000, MINUTE_MS, 5 * MINUTE_MS]))
      await perform(actionOf(dice, number))
      if (dice() < 0.2) {
        const userId = `${number} ${pick(dice, ['ann', 'bob'])}`
        await perform({ clientKey: 'prod', action: 'track', event: 'Open', userId, messageId: action + 1 })
      }
      if (dice() < 0.1) await sendSome()
      if (dice() < 0.02) {
        clock.advance(pick(dice, [2 * HOUR_MS, DAY_MS]))
        await store.forget(clock.now())
      }
    }
  }

  async function sendSome(): Promise<void> {
    const claim = { kinds: ['postback'], now: clock.now(), limit: 3, leaseMs: HOUR_MS }
    for (const { id, attempt } of await store.claimDeliveries(claim)) {
      const at = clock.now()
      await store.settleDelivery(
        id,
        attempt,
        pick(dice, [
          { type: 'done' },
          { type: 'again', dueAt: at + HOUR_MS, note: 'answered 503' },
          { type: 'failed', at, note: 'answered 404' },
        ] as const),
      )
    }
  }

  return {
    async begin() {
      const setup = createServer({ store, apps: [APP], clock })
      await setup.fetch(new Request('http://x/api?action=track&appId=app&clientKey=prod&userId=first&event=e'))
      await engine.load()
      await perform({ clientKey: 'export', action: 'addPostback', postbackUrl: 'https://example.com/?{{Message ID}}' })
    },
    /** So many actions of everybody, all at once. */
    async act(actions: number) {
      await Promise.all(Array.from({ length: ACTORS }, (_, number) => actor(number, actions)))
    },
  }
}

async function poolOf(url: string): Promise<PostgresPool> {
  return pgPool({ url, connections: 4, connectTimeoutMs: 5_000, queryTimeoutMs: 60_000, settings: 'SELECT 1' })
}
