import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { counting, user } from '../../conformance/turns.ts'
import { sqliteStore } from './sqlite-store.ts'

const Database = createRequire(import.meta.url)('libsql') as new (file: string) => {
  exec(sql: string): void
  close(): void
}

describe('opening refuses', () => {
  for (const pragmas of [{ synchronous: 'NORMAL' }, { synchronous: 'OFF' }, { locking_mode: 'NORMAL' }]) {
    inFolder(`settings that would make an answer a lie: ${JSON.stringify(pragmas)} [A10]`, async (file) => {
      await expect(sqliteStore({ file, pragmas })).rejects.toMatchObject({
        code: 'STORE_UNUSABLE',
        message: expect.stringContaining(`Expected SQLite to run with ${Object.keys(pragmas)[0]} = `),
      })
      await (await sqliteStore({ file })).close()
    })
  }

  inFolder('a journal that is not a write-ahead log', async (file) => {
    const opening = sqliteStore({ file, pragmas: { journal_mode: 'DELETE' } })
    await expect(opening).rejects.toThrow('journal_mode = wal, but it runs with delete')
  })

  inFolder('a file that is not a database', async (file) => {
    writeFileSync(file, 'To be, or not to be, that is the question. '.repeat(100))
    await expect(sqliteStore({ file })).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('to be a Damson database, but it is not one'),
    })
  })

  inFolder('a file that a newer version wrote', async (file) => {
    const database = new Database(file)
    database.exec('PRAGMA user_version = 1000')
    database.close()
    await expect(sqliteStore({ file })).rejects.toThrow('but it has version 1000. A newer Damson wrote it')
  })

  inFolder('a folder that cannot be written', async (file) => {
    writeFileSync(file, '')
    await expect(sqliteStore({ file: join(file, 'below', 'damson.db') })).rejects.toMatchObject({
      code: 'STORE_UNUSABLE',
      message: expect.stringContaining('Expected to create and write files in'),
    })
  })

  inFolder('a library that is not there, naming the ways out', async (file) => {
    const driver = 'node:sqlite'
    const isThere = (process.getBuiltinModule as ((name: string) => unknown) | undefined)?.(driver) !== undefined
    if (isThere) return void (await (await sqliteStore({ file, driver })).close())
    await expect(sqliteStore({ file, driver })).rejects.toThrow(
      /Expected a SQLite library.*Use Node.js 22.13 or later, or install better-sqlite3 or libsql/,
    )
  })

  inFolder('a second store in the same process', async (file) => {
    const store = await sqliteStore({ file })
    await expect(sqliteStore({ file })).rejects.toMatchObject({ code: 'STORE_LOCKED' })
    expect(await store.transact(user('ann'), counting('ann'))).toBe(1)
    await store.close()
  })
})

inFolder('a closed store is all in its one file', async (file) => {
  const store = await sqliteStore({ file })
  await store.transact(user('ann'), counting('ann'))
  await store.close()
  expect(existsSync(`${file}.pid`)).toBe(false)
  copyFileSync(file, `${file}.copy`)
  const copy = await sqliteStore({ file: `${file}.copy` })
  expect(await copy.transact(user('ann'), counting('ann'))).toBe(2)
  await copy.close()
})

function inFolder(title: string, use: (file: string) => Promise<void>): void {
  test(title, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'damson-'))
    try {
      await use(join(folder, 'damson.db'))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
}
