import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OpenedStore, storeConformance, type StoreWish } from '../../conformance/store-conformance.ts'
import { sqliteStore, type SqliteStoreOptions } from './sqlite-store.ts'

storeConformance('sqlite', (wish) => open(wish))
storeConformance('sqlite with a tiny cache', (wish) => open(wish, { cachedProfiles: 16 }))

async function open(wish: StoreWish, options: Partial<SqliteStoreOptions> = {}): Promise<OpenedStore> {
  const folder = mkdtempSync(join(tmpdir(), 'damson-'))
  const opening = () => sqliteStore({ file: join(folder, 'damson.db'), ...options, ...wish })
  let store = await opening()
  return {
    store,
    reopen: async () => {
      await store.close()
      store = await opening()
      return store
    },
    cleanUp: async () => {
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
}
