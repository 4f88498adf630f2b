import { DAY_MS } from '@damson/core'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { counting, historyOf, user } from '../../conformance/turns.ts'
import { postgresStore } from './postgres-store.ts'
import { createDatabase, findPostgres, migrateDatabase } from './testing.ts'

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
