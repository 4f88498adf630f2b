import {
  copyFileSync,
  mkdtempSync,
  openSync,
  closeSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { all, APP, counting, user } from '../conformance/turns.ts'
import { folderFiles } from '../store/files.ts'
import { sqliteStore } from '../store/sqlite/index.ts'
import { finish, start } from './testing.ts'

let folder: string
let data: string
let copy: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damson-backup-'))
  data = join(folder, 'data')
  copy = join(folder, 'copy')
  const store = await sqliteStore({ file: join(data, 'damson.db') })
  for (let n = 0; n < 300; n++) await store.transact(user(`user ${n % 30}`), counting(`user ${n % 30}`, `event ${n}`))
  await store.close()
  await folderFiles(join(data, 'files')).put('public/a/b.txt', [Buffer.from('hello')])
})
afterEach(() => rmSync(folder, { recursive: true }))

async function contentOf(where: string) {
  const store = await sqliteStore({ file: join(where, 'damson.db') })
  const [profiles, entries] = [await all(store.profiles(APP)), await all(store.entries({ appId: APP }))]
  await store.close()
  return { profiles, entries }
}

test('a copy holds everything, is checked, and can be served from [B-01]', async () => {
  expect(await finish(['backup', copy, '--data', data])).toMatchObject({ code: 0, err: '' })
  expect((await finish(['verify-backup', copy])).out).toMatch(/^Whole: 2 files, \d+\.\d MB, made /)
  expect(await contentOf(copy)).toEqual(await contentOf(data))
  const [file] = await all((await folderFiles(join(copy, 'files')).get('public/a/b.txt'))!.content)
  expect(Buffer.from(file!).toString()).toBe('hello')
})

test('a server that runs is copied as it is at one instant, and goes on [B-02]', async () => {
  const serving = start(['serve', '--data', data, '--port', '0', '--demo', '--log-level', 'error'])
  await serving.saying('damson listening on')
  expect(await finish(['backup', copy, '--data', data])).toMatchObject({ code: 0, err: '' })
  serving.interrupt()
  expect(await serving.code).toBe(0)
  expect(await finish(['verify-backup', copy])).toMatchObject({ code: 0 })
  expect((await contentOf(copy)).entries).toHaveLength((await contentOf(data)).entries.length)
})

test('what an attempt that was cut off has left is no backup, and the next attempt makes one', async () => {
  await finish(['backup', copy, '--data', data])
  rmSync(join(copy, 'backup.json'))
  writeFileSync(join(copy, 'damson.db'), 'half')
  writeFileSync(join(copy, 'damson.db.part'), 'a quarter')
  expect((await finish(['verify-backup', copy])).err).toContain('is no finished backup')
  expect(await finish(['backup', copy, '--data', data])).toMatchObject({ code: 0 })
  expect(await finish(['verify-backup', copy])).toMatchObject({ code: 0 })
})

test('nothing is written over: not a backup, and not what somebody else keeps there', async () => {
  await finish(['backup', copy, '--data', data])
  expect((await finish(['backup', copy, '--data', data])).err).toContain('holds a backup already')
  expect((await finish(['backup', folder, '--data', data])).err).toContain('holds something else')
  expect((await finish(['backup', copy, '--data', folder])).err).toContain('there is no damson.db')
})

describe('verify-backup', () => {
  test('finds every bit that has changed [B-03]', async () => {
    await finish(['backup', copy, '--data', data])
    const file = join(copy, 'damson.db')
    copyFileSync(file, `${folder}/good`)
    const { size } = statSync(file)
    for (let flip = 0; flip < 20; flip++) {
      const at = Math.floor((size * (flip + 0.5)) / 20)
      flipBit(file, at)
      expect((await finish(['verify-backup', copy])).err).toContain('has changed: this copy is damaged')
      copyFileSync(`${folder}/good`, file)
    }
    expect(await finish(['verify-backup', copy])).toMatchObject({ code: 0 })
  })

  test('finds what is missing, cut off or no backup at all', async () => {
    await finish(['backup', copy, '--data', data])
    writeFileSync(join(copy, 'files/public/a/b.txt'), 'hell')
    expect((await finish(['verify-backup', copy])).err).toContain('has 4 bytes, and had 5')
    rmSync(join(copy, 'files/public/a/b.txt'))
    expect((await finish(['verify-backup', copy])).err).toContain('is missing')
    writeFileSync(join(copy, 'backup.json'), '{}')
    expect((await finish(['verify-backup', copy])).err).toContain('is damaged')
    expect((await finish(['verify-backup', data])).err).toContain('is no finished backup')
  })
})

function flipBit(file: string, at: number): void {
  const handle = openSync(file, 'r+')
  const byte = Buffer.alloc(1)
  readSync(handle, byte, 0, 1, at)
  byte[0]! ^= 1
  writeSync(handle, byte, 0, 1, at)
  closeSync(handle)
}
