import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HOUR_MS } from '@damson/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keyDigest } from '../engine/authorize.ts'
import { withData } from './data.ts'
import { finish } from './testing.ts'

let data: string
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'damson-apps-test-'))
})
afterEach(() => rmSync(data, { recursive: true, force: true }))

async function storedKeys(appId: string) {
  const apps = await withData(data, (store) => store.apps())
  return apps.find((app) => app.appId === appId)?.keys ?? []
}

const digest = (key: string) => keyDigest(key).toString('hex')

test('create shows a key of each class once, and keeps their digests', async () => {
  const { code, out } = await finish(['apps', 'create', '--name', 'Shop', '--app-id', 'shop', '--data', data])
  expect(code).toBe(0)
  const shown = out.match(/(prod|dev|export|content)_[\w-]{43}/g) ?? []
  expect(shown).toHaveLength(4)
  expect((await storedKeys('shop')).map((key) => key.sha256)).toEqual(shown.map(digest))
  const everything = readdirSync(data).map((name) => readFileSync(join(data, name)).toString('latin1'))
  for (const key of shown) expect(everything.join()).not.toContain(key)
  const { out: list } = await finish(['apps', 'list', '--data', data])
  expect(list).toContain('shop')
  for (const key of shown) {
    expect(list).not.toContain(key)
    expect(list).toContain(key.slice(-4))
  }
})

test('create chooses an id of its own, different each time', async () => {
  const { out: one } = await finish(['apps', 'create', '--name', 'One', '--data', data])
  const { out: two } = await finish(['apps', 'create', '--name', 'Two', '--data', data])
  const idOf = (out: string) => /app_[\w-]{43}/.exec(out)?.[0]
  expect(idOf(one)).toBeDefined()
  expect(idOf(one)).not.toBe(idOf(two))
  const apps = await withData(data, (store) => store.apps())
  expect(apps.map(({ name, number }) => [name, number])).toEqual([
    ['One', 1],
    ['Two', 2],
  ])
})

test('rotate ends the old keys of one class, at once or later', async () => {
  const create = await finish(['apps', 'create', '--name', 'Shop', '--app-id', 'shop', '--data', data])
  const [first = ''] = /prod_\S+/.exec(create.out) ?? []
  const before = Date.now()
  const rotate = await finish([
    'apps',
    'rotate',
    'shop',
    '--class',
    'production',
    '--keep-old-for',
    '24',
    '--data',
    data,
  ])
  const [second = ''] = /prod_\S+/.exec(rotate.out) ?? []
  const production = (await storedKeys('shop')).filter(({ keyClass }) => keyClass === 'production')
  expect(production.map(({ sha256 }) => sha256)).toEqual([digest(first), digest(second)])
  expect(production[0]?.expiresAt).toBeGreaterThanOrEqual(before + 24 * HOUR_MS)
  expect(production[1]?.expiresAt).toBeNull()

  await finish(['apps', 'rotate', 'shop', '--class', 'production', '--data', data])
  const after = await storedKeys('shop')
  const alive = after.filter(({ keyClass, expiresAt }) => keyClass === 'production' && expiresAt === null)
  expect(alive).toHaveLength(1)
  expect(alive[0]?.sha256).not.toBe(digest(second))
  expect(after.filter(({ keyClass }) => keyClass !== 'production')).toHaveLength(3)
})

test.each([
  [['create', '--name', 'Again', '--app-id', 'shop'], "there is an app 'shop' already"],
  [['rotate', 'shoe', '--class', 'production'], "there is no app 'shoe'"],
  [['rotate', 'shop', '--class', 'admin'], 'Allowed choices are production, development, dataExport, contentReadOnly'],
  [['rotate', 'shop', '--class', 'production', '--keep-old-for', '-1'], 'Expected a number of hours'],
  [['create'], "required option '--name <name>' not specified"],
])('%j ends with one line and 1', async (args, expected) => {
  await finish(['apps', 'create', '--name', 'Shop', '--app-id', 'shop', '--data', data])
  const { code, err } = await finish(['apps', ...args, '--data', data])
  expect(code).toBe(1)
  expect(err).toContain(expected)
  expect(err.split('\n')).toHaveLength(1)
})
