import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createServer } from '../server.ts'
import { openData } from './data.ts'
import { finish } from './testing.ts'

let folder: string
const keys = { production: ['prod_T'], development: ['dev_T'] }
const caller = { address: null, acceptLanguage: null }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damson-users-'))
  const server = createServer({ store: await openData(folder), apps: [{ appId: 'shop', name: 'Shop', keys }] })
  await server.start()
  const call = (action: string, args: object) =>
    server.engine.perform({ outer: { appId: 'shop', clientKey: 'dev_T', action, userId: 'ann', ...args } }, caller)
  await call('start', {
    deviceId: 'phone',
    systemName: 'iOS',
    country: 'DE',
    userAttributes: { plan: 'gold', beta: true },
  })
  await call('track', { deviceId: 'phone', event: 'Purchase', value: 9.99 })
  await call('track', { deviceId: 'phone', event: 'Purchase', value: 0.01 })
  await call('track', { deviceId: 'phone', event: 'very private', params: { whispered: 1 } })
  await server.stop()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const users = (...args: string[]) => finish(['users', ...args, '--data', folder])

describe('users show', () => {
  test('shows a person what is known of a user', async () => {
    const { code, out } = await users('show', 'ann')
    expect(code).toBe(0)
    expect(out).toMatch(/^ann\n/)
    for (const part of [
      'open now',
      'country',
      'DE',
      'plan',
      'gold',
      'True',
      'Purchase',
      '2 ×',
      'value 10',
      'phone',
      'systemName iOS',
    ])
      expect(out).toContain(part)
  })
  test('by the device they are on', async () => {
    expect((await users('show', 'phone', '--device')).out).toMatch(/^ann\n/)
  })
  test('as JSON is what exportUser answers', async () => {
    const { out } = await users('show', 'ann', '--json')
    expect(JSON.parse(out)).toMatchObject({
      userId: 'ann',
      totalSessions: 1,
      events: { Purchase: { count: 2, value: 10 } },
    })
  })
})

describe('users delete', () => {
  test('deletes a user; with full erasure no byte is left', async () => {
    expect(await users('delete', 'ann', '--full-erasure')).toMatchObject({ code: 0, err: '' })
    expect((await users('show', 'ann')).code).toBe(1)
    for (const file of readdirSync(folder)) {
      const bytes = readFileSync(join(folder, file))
      for (const word of ['very private', 'whispered', 'phone', 'gold']) expect(bytes.includes(word)).toBe(false)
    }
  })
})

describe('what goes wrong is one line with the way out', () => {
  test.each([
    [
      ['show', 'bob'],
      "damson: nobody is known as 'bob' in the app 'shop'. Check the id, or add --device if it is a device's.",
    ],
    [['show', 'ann', '--app-id', 'x'], "damson: there is no app 'x'. There is: shop."],
    [
      ['delete', 'bob'],
      "damson: nobody is known as 'bob' in the app 'shop'. Check the id, or add --device if it is a device's.",
    ],
  ])('%j', async (args, message) => {
    expect(await users(...args)).toEqual({ code: 1, out: '', err: message })
  })
})
