import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { DEFAULT_APP_SETTINGS } from '../../engine/app.ts'
import { postgresStore } from './postgres-store.ts'
import { createDatabase, findPostgres, migrateDatabase } from './testing.ts'

const server = await findPostgres()

describe.skipIf(server === null)('with a PostgreSQL', () => {
  // On Citus a lock or a write takes every node, and one may be away.
  test('an app that is as it was, and documents that stay as they are, are not written and wait for nobody', async () => {
    const database = await createDatabase(server ?? '', 'documents')
    await migrateDatabase(database.url)
    const store = await postgresStore({ url: database.url, lockWaitMs: 300 })
    const app = { appId: 'shop', name: 'Shop', number: 1, keys: [], settings: DEFAULT_APP_SETTINGS }
    await store.saveApp(app)
    await store.changeDocuments('shop', 'rule', () => ({ answer: 'made', put: { one: 1 } }))
    const other = new Client({ connectionString: database.url })
    await other.connect()
    await other.query('BEGIN')
    await other.query('SELECT 1 FROM apps FOR UPDATE')
    await other.query('SELECT 1 FROM document_sets FOR UPDATE')
    await store.saveApp(app)
    const seen = await store.changeDocuments('shop', 'rule', ({ documents }) => ({ answer: documents.get('one') }))
    expect(seen).toBe(1)
    await expect(store.saveApp({ ...app, name: 'Market' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await other.end()
    await store.saveApp({ ...app, name: 'Market' })
    expect((await store.apps()).map(({ name }) => name)).toEqual(['Market'])
    await store.close()
    await database.drop()
  })
})
