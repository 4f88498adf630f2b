import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { all, APP, counting, user } from '../../conformance/turns.ts'
import { checkDatabase } from './check-database.ts'
import { sqliteStore } from './sqlite-store.ts'

// node:sqlite is there from Node 22.13 on; better-sqlite3 brings native code that is not on the registry, so whoever has it beside
// us has it tested.
const LIBRARIES = ['node:sqlite', 'better-sqlite3', 'libsql']
const require = createRequire(import.meta.url)
const found = LIBRARIES.filter(isThere)
console.info(
  `backups with ${found.join(', ')}; not here: ${LIBRARIES.filter((name) => !found.includes(name)).join(', ')}`,
)

function isThere(name: string): boolean {
  try {
    require(name)
    return true
  } catch {
    return false
  }
}

test('at least one library is here', () => expect(found).not.toEqual([]))

test.each(found)('a backup by %s is whole, and every library opens it', async (driver) => {
  const folder = mkdtempSync(join(tmpdir(), 'damson-backup-'))
  const store = await sqliteStore({ file: join(folder, 'damson.db'), driver })
  const write = (from: number, to: number) =>
    Promise.all(
      Array.from({ length: to - from }, (_, n) =>
        store.transact(user(`user ${n % 30}`), counting(`user ${n % 30}`, `${from + n}`)),
      ),
    )
  await write(0, 600)
  const copy = join(folder, 'copy.db')
  // While others write: the copy is of one instant.
  const [writes] = await Promise.all([write(600, 1_200), store.backup(copy)])
  expect(writes).toHaveLength(600)
  const count = async (one: typeof store) => (await all(one.entries({ appId: APP }))).length
  expect(await count(store)).toBe(1_200)
  await store.close()
  expect(existsSync(`${copy}-wal`)).toBe(false)
  const counts = new Set<number>()
  for (const reader of found) {
    await checkDatabase(copy, reader)
    const restored = await sqliteStore({ file: copy, driver: reader })
    counts.add(await count(restored))
    await restored.close()
  }
  expect(counts.size).toBe(1)
  expect([...counts][0]).toBeGreaterThanOrEqual(600)
  rmSync(folder, { recursive: true })
})
