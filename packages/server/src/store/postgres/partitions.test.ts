import { DAY_MS } from '@damson/core'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { counting, historyOf, user } from '../../conformance/turns.ts'
import { pgPool } from './pg-pool.ts'
import type { PostgresPool } from './pool.ts'
import { postgresStore } from './postgres-store.ts'
import { createDatabase, findPostgres, migrateDatabase, rowsOf } from './testing.ts'

const POOL = { connections: 2, connectTimeoutMs: 5_000, queryTimeoutMs: 60_000, settings: 'SELECT 1' }
const server = await findPostgres()

/** A database with our tables and no partitions yet. */
async function openDatabase(): ReturnType<typeof createDatabase> {
  const database = await createDatabase(server ?? '', 'partitions')
  await migrateDatabase(database.url)
  return database
}

const TODAY = `entries_${Math.floor(Date.now() / DAY_MS)}`

describe.skipIf(server === null)('with a PostgreSQL', () => {
  test('a store opens and works while somebody else makes, or holds, the partition of today', async () => {
    const database = await openDatabase()
    const other = new Client({ connectionString: database.url })
    await other.connect()
    await other.query(`BEGIN; CREATE TABLE ${TODAY} (LIKE entries INCLUDING ALL)`)
    const store = await postgresStore({ url: database.url })
    await store.transact(user('ann'), counting('ann', 'seen'))
    expect(await historyOf(store, 'ann')).toEqual(['seen'])
    await other.query('ROLLBACK')
    // What lies in the default partition stays there, and maintenance gets along with it.
    await store.forget(Date.now())
    expect(await historyOf(store, 'ann')).toEqual(['seen'])
    await store.close()
    await other.end()
    await database.drop()
  })

  test('a store opens while the days to come cannot be made, and not without that of today', async () => {
    const database = await openDatabase()
    const pool = await pgPool({ url: database.url, ...POOL })
    const gone = Object.assign(new Error('connection to the remote node failed'), { code: '08006' })
    const without = (lost: RegExp): PostgresPool => ({
      ...pool,
      async connect() {
        const client = await pool.connect()
        return {
          ...client,
          query: (statement) => (lost.test(statement.text) ? Promise.reject(gone) : client.query(statement)),
        }
      },
      end: () => Promise.resolve(),
    })
    await expect(postgresStore({ url: without(/CREATE TABLE/) })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const today = Math.floor(Date.now() / DAY_MS)
    const store = await postgresStore({ url: without(new RegExp(`CREATE TABLE \\w+_(${today + 1}|${today + 2})`)) })
    await store.transact(user('ann'), counting('ann', 'seen'))
    const tables = await rowsOf<{ name: string }>(
      database.url,
      `SELECT relname AS name FROM pg_class WHERE relname ~ '^entries_[0-9]+$' ORDER BY 1`,
    )
    expect(tables.map(({ name }) => Number(name.slice('entries_'.length)) - today)).toEqual([-1, 0, 3])
    await store.close()
    await pool.end()
    await database.drop()
  })

  // Of a table that another node makes in the same instant, its type may be there first.
  test('a store opens and works while only the type of a partition is there', async () => {
    const database = await openDatabase()
    const other = new Client({ connectionString: database.url })
    await other.connect()
    await other.query(`CREATE DOMAIN ${TODAY} AS integer`)
    const store = await postgresStore({ url: database.url })
    await store.transact(user('ann'), counting('ann', 'seen'))
    expect(await historyOf(store, 'ann')).toEqual(['seen'])
    await store.close()
    await other.end()
    await database.drop()
  })
})
