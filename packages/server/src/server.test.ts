import { HOUR_MS } from '@damson/core'
import { SESSION_INACTIVITY_MS } from '@damson/core/session'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestClock, type TestClock } from './cli/test-clock.ts'
import { createServer, type Server } from './server.ts'
import { memoryStore } from './store/memory.ts'
import type { Store } from './store/store.ts'

const KEYS = { production: ['prod_secret'], dataExport: ['export_secret'] }
const APP = { appId: 'shop', name: 'Shop', keys: KEYS }
const START = Date.UTC(2026, 0, 5)

let clock: TestClock
let store: Store
let server: Server
beforeEach(() => {
  clock = createTestClock(START)
  store = memoryStore()
  server = createServer({ store, clock, apps: [APP] })
})

async function call(args: Record<string, string>, clientKey = 'prod_secret') {
  const query = new URLSearchParams({ appId: 'shop', clientKey, userId: 'ada', ...args })
  const response = await server.fetch(new Request(`http://damson.test/api?${query.toString()}`))
  const { response: elements } = (await response.json()) as { response: Record<string, unknown>[] }
  return { status: response.status, ...elements[0] }
}

test('answers before it was started: the apps are made for the first request', async () => {
  expect(await call({ action: 'start' })).toMatchObject({ status: 200, success: true })
  expect(await call({ action: 'start' }, 'prod_wrong')).toMatchObject({ status: 403, success: false })
})

test('a sweep ends what is overdue and nothing else', async () => {
  await call({ action: 'start' })
  clock.moveTo(START + SESSION_INACTIVITY_MS - 1)
  expect(await server.sweep()).toBe(0)
  clock.moveTo(START + SESSION_INACTIVITY_MS)
  expect(await server.sweep()).toBe(1)
  expect(await server.sweep()).toBe(0)
})

describe('apps that are written down', () => {
  test('replace what was stored, but a key that stays keeps its age and the app its number', async () => {
    await server.start()
    const [before] = await store.apps()
    clock.moveTo(START + HOUR_MS)
    const renamed = { ...APP, name: 'Shop 2', keys: { production: ['prod_secret', 'prod_next'] } }
    await createServer({ store, clock, apps: [renamed, { ...APP, appId: 'other' }] }).start()
    const [after, other] = await store.apps()
    expect(after).toMatchObject({ name: 'Shop 2', number: before?.number })
    expect(after?.keys.map(({ last4, createdAt }) => [last4, createdAt])).toEqual([
      ['cret', START],
      ['next', START + HOUR_MS],
    ])
    expect(other?.number).not.toBe(before?.number)
  })

  test('are kept without their keys', async () => {
    await server.start()
    expect(JSON.stringify(await store.apps())).not.toContain('prod_secret')
  })
})

test('readyz says yes from start to drain', async () => {
  const ready = async () => (await server.fetch(new Request('http://damson.test/readyz'))).status
  expect(await ready()).toBe(503)
  await server.start()
  expect(await ready()).toBe(200)
  server.drain()
  expect(await ready()).toBe(503)
})

test('after stop the store is closed, and whoever asks is told to come back later', async () => {
  await server.start()
  await server.stop()
  await server.stop()
  expect(await call({ action: 'start' })).toMatchObject({ status: 503, success: false })
})
