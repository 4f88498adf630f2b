import { DAY_MS } from '@damson/core'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { APP, counting, historyOf, user } from '../../conformance/turns.ts'
import { BUCKETS, bucketOf } from './keys.ts'
import { postgresStore } from './postgres-store.ts'
import { createStatements, type Statements } from './statements.ts'
import { createCitusDatabase, findCitus, migrateDatabase, rowsOf, type TestDatabase } from './testing.ts'

const citus = findCitus()
const NODES = `SELECT nodename AS host, nodeport AS port FROM pg_dist_node WHERE shouldhaveshards AND noderole = 'primary'`
const nodes = citus === null ? [] : await rowsOf(citus, NODES)
if (citus !== null && nodes.length < 2) console.log('Skipped: moving between nodes, of which this Citus has one.')
let database: TestDatabase
/** What a statement that is prepared is planned anew for each time, at most. */
const CUSTOM_PLANS = 5

describe.skipIf(citus === null)('on a Citus', () => {
  beforeAll(async () => {
    database = await createCitusDatabase(citus ?? '', 'citus')
    await migrateDatabase(database.url, true)
  }, 60_000)
  afterAll(() => database.drop())

  const ask = <T extends Record<string, unknown>>(text: string) => rowsOf<T>(database.url, text)

  test('each bucket has a shard of its own, as many on one node as on the other', async () => {
    const spread = await ask<{ shards: number }>(
      `SELECT count(DISTINCT get_shard_id_for_distribution_column('profiles', bucket))::int AS shards
       FROM generate_series(0, ${BUCKETS - 1}) AS bucket`,
    )
    expect(spread).toEqual([{ shards: BUCKETS }])
    const nodes = await ask<{ shards: number }>(
      `SELECT count(*)::int AS shards FROM citus_shards WHERE table_name = 'profiles'::regclass GROUP BY nodename, nodeport`,
    )
    const counts = nodes.map(({ shards }) => shards)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
  })

  test('what belongs to apps is on every node', async () => {
    const rows = await ask<{ name: string }>(
      `SELECT table_name::text AS name FROM citus_tables WHERE citus_table_type = 'reference' ORDER BY 1`,
    )
    expect(rows.map(({ name }) => name)).toEqual(['apps', 'document_sets', 'documents', 'meta'])
  })

  test.each(Object.keys(createStatements('bucket', true)) as (keyof Statements)[])(
    '%s goes to one shard, however often it was prepared',
    async (name) => {
      const client = new Client({ connectionString: database.url })
      await client.connect()
      for (const skipsLocked of [true, false]) {
        const { text, values = [] } = createStatements('bucket', skipsLocked)[name]([{}], 7)
        await client.query(`PREPARE statement AS ${text}`)
        const given = values.map((value) => (value === null ? 'NULL' : `'${String(value)}'`)).join(', ')
        for (let time = 0; time <= CUSTOM_PLANS; time += 1) {
          const { rows } = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN EXECUTE statement (${given})`)
          const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
          expect(plan).toMatch(/^Custom Scan \(Citus Adaptive\).*\n +Task Count: 1\n/)
        }
        await client.query('DEALLOCATE statement')
      }
      await client.end()
    },
  )

  test('partitions of the coming days are spread, too, and days that are over are dropped on all nodes', async () => {
    let today = Date.now()
    const open = () => postgresStore({ url: database.url, keepEntriesDays: 2, clock: { now: () => today } })
    const store = await open()
    await store.transact(user('ann'), counting('ann', 'seen'))
    const days = async () => {
      const rows = await ask<{ name: string }>(
        `SELECT DISTINCT table_name::text AS name FROM citus_shards WHERE table_name::text ~ '^entries_[0-9]+$' ORDER BY 1`,
      )
      return rows.map(({ name }) => Number(name.slice('entries_'.length)) - Math.floor(today / DAY_MS))
    }
    expect(await days()).toEqual([-1, 0, 1, 2, 3])
    today += 3 * DAY_MS
    await store.forget(today)
    expect(await days()).toEqual([-2, -1, 0, 1, 2, 3])
    expect(await historyOf(store, 'ann')).toEqual([])
    await store.close()
  })

  test('a user whom another server holds is waited for as long as is asked, and no longer', async () => {
    const lockWaitMs = 300
    const store = await postgresStore({ url: database.url, lockWaitMs, cachedProfiles: 0 })
    const guessing = await postgresStore({ url: database.url, lockWaitMs })
    for (const one of [store, guessing]) await one.transact(user('held'), counting('held'))
    const other = new Client({ connectionString: database.url })
    await other.connect()
    await other.query(
      `BEGIN; SELECT 1 FROM profiles WHERE bucket = ${bucketOf(APP, 'held')} AND user_id = 'held' FOR UPDATE`,
    )
    const since = performance.now()
    for (const one of [store, guessing])
      await expect(one.transact(user('held'), counting('held'))).rejects.toMatchObject({ code: 'PROFILE_BUSY' })
    expect(performance.now() - since).toBeLessThan(10 * lockWaitMs)
    await other.query('ROLLBACK')
    expect(await store.transact(user('held'), counting('held'))).toBe(3)
    await Promise.all([store.close(), guessing.close(), other.end()])
  })
  test.skipIf(nodes.length < 2).each(['block_writes', 'force_logical'])(
    'a bucket moves to another node (%s) while its users act: what is remembered of them is not taken for what is there',
    async (mode) => {
      const store = await postgresStore({ url: database.url })
      const [bucket, ids] = [bucketOf(APP, 'u0'), Array.from({ length: 1_000 }, (_, n) => `u${n}`)]
      const own = ids.filter((id) => bucketOf(APP, id) === bucket)
      const before = await Promise.all(own.map((id) => store.transact(user(id), counting(id))))
      let isOver = false
      const acting = own.map(async (id) => {
        let count = 0
        for (; !isOver; count += 1) await store.transact(user(id), counting(id))
        return count
      })
      await ask(
        `SELECT citus_move_shard_placement(shardid, nodename, nodeport, host, port, '${mode}')
         FROM (${NODES}) AS nodes, citus_shards
         WHERE shardid = get_shard_id_for_distribution_column('profiles', ${bucket}) AND (host, port) <> (nodename, nodeport)
         LIMIT 1`,
      )
      isOver = true
      const counts = await Promise.all(acting)
      const after = await Promise.all(own.map((id) => store.transact(user(id), counting(id))))
      expect(after).toEqual(own.map((_, index) => (before[index] ?? 0) + (counts[index] ?? 0) + 1))
      expect(Math.min(...counts)).toBeGreaterThan(0)
      expect(await historyOf(store, 'u0')).toHaveLength(after[own.indexOf('u0')] ?? 0)
      await store.close()
    },
    60_000,
  )
})
