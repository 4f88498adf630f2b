import { PGlite } from '@electric-sql/pglite'
import { afterAll } from 'vitest'
import { type OpenedStore, storeConformance, type StoreWish } from '../../conformance/store-conformance.ts'
import { migrate } from './migrate.ts'
import { pgPool } from './pg-pool.ts'
import type { PostgresPool } from './pool.ts'
import { postgresStore, type PostgresStoreOptions } from './postgres-store.ts'
import { ask, createDatabase, EMPTY, findPostgres, pglitePool } from './testing.ts'

const POOL = { connections: 2, connectTimeoutMs: 5_000, queryTimeoutMs: 60_000, settings: '' }

/** What a store is opened on, again and again. */
interface Base {
  readonly url: string | PostgresPool
  empty(): Promise<unknown>
}

async function open(base: Base, options: Partial<PostgresStoreOptions>, wish: StoreWish): Promise<OpenedStore> {
  await base.empty()
  const opening = () => postgresStore({ url: base.url, ...options, ...wish })
  let store = await opening()
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await opening()
      return store
    },
    cleanUp: () => store.close(),
  }
}

const pglite = new PGlite()
const pgliteBase: Base = { url: pglitePool(pglite), empty: () => pglite.exec(EMPTY) }
await migrate(pgliteBase.url as PostgresPool)
afterAll(() => pglite.close())

storeConformance('PGlite', (wish) => open(pgliteBase, {}, wish))

const server = await findPostgres()
if (server !== null) await onPostgres(server)
const { DAMSON_TEST_CITUS_URL: citus } = process.env
if (citus !== undefined) await onCitus(citus)

async function onPostgres(url: string): Promise<void> {
  const database = await createDatabase(url, 'conformance')
  await migrateAt(database.url, false)
  afterAll(() => database.drop())
  const base: Base = { url: database.url, empty: () => ask(database.url, EMPTY) }
  storeConformance('PostgreSQL', (wish) => open(base, {}, wish))
  storeConformance('PostgreSQL, one bucket at a time and without SKIP LOCKED', (wish) =>
    open(base, { width: 'bucket', skipsLocked: false }, wish),
  )
  // As it is where guesses are mostly wrong.
  storeConformance('PostgreSQL, one bucket at a time, with every row locked', (wish) =>
    open(base, { width: 'bucket', cachedProfiles: 0 }, wish),
  )
}

async function onCitus(url: string): Promise<void> {
  await migrateAt(url, true)
  const base: Base = { url, empty: () => ask(url, EMPTY) }
  storeConformance('Citus', (wish) => open(base, {}, wish))
  storeConformance('Citus, without SKIP LOCKED and with every row locked', (wish) =>
    open(base, { skipsLocked: false, cachedProfiles: 0 }, wish),
  )
}

async function migrateAt(url: string, citus: boolean): Promise<void> {
  const pool = await pgPool({ url, ...POOL })
  await migrate(pool, { citus })
  await pool.end()
}
