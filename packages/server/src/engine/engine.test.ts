import { DAY_MS, HOUR_MS } from '@damson/core'
import { ACTIONS, type ActionName, KEY_CLASSES } from '@damson/core/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { appKey, keptApp } from '../new-app.ts'
import { memoryStore } from '../store/memory.ts'
import { createTestServer, TEST_APP, type TestServer } from '../testing/test-server.ts'

const OTHER_APP = {
  appId: 'app_other',
  name: 'Other',
  keys: { production: ['prod_other'], development: ['dev_other'] },
}
const KEYS = { ...TEST_APP.keys, contentReadWrite: ['write_test'] }

let world: TestServer
beforeEach(async () => {
  world = await createTestServer({ now: 1_700_000_000_000, apps: [{ ...TEST_APP, keys: KEYS }, OTHER_APP] })
})

const ask = async (args: Record<string, unknown>) => {
  const response = await world.fetch(new Request('http://test/api', { method: 'POST', body: JSON.stringify(args) }))
  const { response: elements } = (await response.json()) as { response: Record<string, unknown>[] }
  return { status: response.status, elements, error: (elements[0]?.error as { message: string } | undefined)?.message }
}
const good = { appId: 'app_test', clientKey: 'prod_test', action: 'track', userId: 'ann', event: 'e' }

test('whatever is wrong, the first thing wrong in a fixed order is told [E-06]', async () => {
  await world.call('block', { userId: 'blocked' })
  // Each step mends the fault of the one before and leaves those that follow.
  const steps: [Record<string, unknown>, number, string][] = [
    [{}, 400, "'action' must be provided"],
    [{ action: 'nope' }, 400, 'Unknown action: nope'],
    [{ action: 'track' }, 400, "'appId' must be provided"],
    [{ appId: 'app_x' }, 404, 'App not found'],
    [{ appId: 'app_test' }, 400, "'clientKey' must be provided"],
    [{ clientKey: 'wrong' }, 403, 'Invalid access key'],
    [{ clientKey: 'export_test' }, 403, 'Invalid access key'],
    [{ clientKey: 'prod_test', devMode: true }, 403, 'Development mode requested but not permitted'],
    [{ clientKey: 'dev_test' }, 400, "'event' must be provided"],
    [{ event: 'e', value: 'much' }, 400, "'value' is invalid."],
    [{ value: 1 }, 404, 'Invalid app/user combination'],
    [{ userId: 'blocked' }, 451, 'Unavailable For Legal Reasons'],
  ]
  let args: Record<string, unknown> = {}
  for (const [change, status, message] of steps) {
    args = { ...args, ...change }
    expect(await ask(args)).toMatchObject({ status, error: message })
  }
  expect(await ask({ ...args, userId: 'ann' })).toMatchObject({ status: 200, error: undefined })
})

describe('keys', () => {
  const cells = (Object.keys(ACTIONS) as ActionName[]).flatMap((action) =>
    KEY_CLASSES.map((keyClass) => [action, keyClass] as const),
  )
  test.each(cells)('%s with a key of the class %s [K-01]', async (action, keyClass) => {
    const answer = await ask({ appId: 'app_test', clientKey: KEYS[keyClass]?.[0], action })
    const isAllowed = (ACTIONS[action].keys as readonly string[]).includes(keyClass)
    if (isAllowed) expect(answer.error).not.toBe('Invalid access key')
    else expect(answer).toMatchObject({ status: 403, error: 'Invalid access key' })
  })

  test.each(['', 'prod_tes', 'prod_test ', 'PROD_TEST', 'prod_other', 'x'.repeat(10_000)])(
    'the key %j of nobody opens nothing [K-02]',
    async (clientKey) => {
      expect((await ask({ ...good, clientKey })).status).toBeGreaterThanOrEqual(400)
    },
  )
  test('an app nobody knows is told apart from a wrong key [K-02]', async () => {
    expect(await ask({ ...good, appId: 'app_x' })).toMatchObject({ status: 404, error: 'App not found' })
  })
  test('of two apps neither sees the other [K-02]', async () => {
    await ask(good)
    await ask({ ...good, appId: 'app_other', clientKey: 'prod_other', event: 'theirs' })
    expect((await world.call('exportUser', { userId: 'ann' })).events).not.toHaveProperty('theirs')
    expect(await ask({ ...good, appId: 'app_other' })).toMatchObject({ status: 403 })
  })
  test('devMode with a production key is refused, and with the word false it is none [K-03]', async () => {
    const message = 'Development mode requested but not permitted'
    for (const devMode of [true, 'true', 'TRUE', 1]) {
      expect(await ask({ ...good, devMode })).toMatchObject({ status: 403, error: message })
    }
    for (const devMode of [false, 'false', 0]) expect(await ask({ ...good, devMode })).toMatchObject({ status: 200 })
    expect(await ask({ ...good, action: 'exportUser', clientKey: 'export_test', devMode: true })).toMatchObject({
      status: 403,
      error: message,
    })
  })
  test('an action of a batch proves its own rights and fails alone [K-04]', async () => {
    const data = [
      { action: 'track', event: 'e', userId: 'ann' },
      { action: 'exportUser', userId: 'ann' },
      { action: 'exportUser', userId: 'ann', clientKey: 'export_test' },
      { action: 'track', event: 'e', userId: 'ann', appId: 'app_other', clientKey: 'prod_other' },
      { action: 'track', event: 'e', userId: 'ann', devMode: true },
      { action: 'track', event: 'e', userId: 'ann', clientKey: 'wrong' },
      { action: 'multi', data: [] },
      { action: 'nope' },
      'nothing',
      { action: 'track', event: 'e', userId: 'ann' },
    ]
    const { status, elements } = await ask({ appId: 'app_test', clientKey: 'prod_test', action: 'multi', data })
    expect(status).toBe(200)
    expect(elements.map(({ success }) => success)).toEqual([
      true,
      false,
      true,
      false,
      false,
      false,
      false,
      false,
      false,
      true,
    ])
    expect(elements[6]).toMatchObject({ error: { message: 'Action not allowed in a batch.' } })
  })
  test('several keys are live at once, and one that has expired is refused [K-05]', async () => {
    await ask(good)
    const [app] = world.server.engine.apps()
    const now = world.clock.now()
    const old = { ...appKey('production', 'prod_old', now), expiresAt: now + HOUR_MS }
    await world.server.engine.saveApp({ ...app!, keys: [...app!.keys, old, appKey('production', 'prod_new', now)] })
    for (const clientKey of ['prod_test', 'prod_old', 'prod_new'])
      expect((await ask({ ...good, clientKey })).status).toBe(200)
    world.clock.advance(HOUR_MS)
    expect((await ask({ ...good, clientKey: 'prod_old' })).status).toBe(403)
    expect((await ask({ ...good, clientKey: 'prod_new' })).status).toBe(200)
  })
  test('no key is kept as it is', async () => {
    const stored = JSON.stringify(await world.store.apps())
    for (const key of Object.values(KEYS).flat()) expect(stored).not.toContain(key)
    expect(keptApp([], OTHER_APP, 0).keys[0]).toMatchObject({ last4: 'ther', expiresAt: null })
  })
})

describe('batches', () => {
  const multi = (data: unknown, more: object = {}) =>
    ask({ appId: 'app_test', clientKey: 'dev_test', action: 'multi', data, ...more })
  const track = (userId: string, event: string) => ({ action: 'track', userId, event })

  test('keep the order of what they answer, whoever it is about', async () => {
    const data = Array.from({ length: 300 }, (_, n) => ({ ...track(`u${n % 40}`, 'e'), reqId: n }))
    const { elements } = await multi(data)
    expect(elements.map(({ reqId }) => reqId)).toEqual(data.map(({ reqId }) => reqId))
  })
  test('an empty one has an empty answer', async () => {
    expect(await multi([])).toMatchObject({ status: 200, elements: [] })
  })
  test('what is around the batch holds for actions that do not say otherwise', async () => {
    await multi([{ action: 'track', event: 'e' }, track('bob', 'e')], { userId: 'ann' })
    expect(await world.call('exportUser', { userId: 'ann' })).toMatchObject({ events: { e: { count: 1 } } })
    expect(await world.call('exportUser', { userId: 'bob' })).toMatchObject({ events: { e: { count: 1 } } })
  })
  test('actions on one profile through different ids are done in order', async () => {
    const { elements } = await multi([
      { action: 'start', userId: 'ann', deviceId: 'd1' },
      { action: 'track', deviceId: 'd1', event: 'by device', disposition: 'requireActive' },
      { action: 'track', userId: 'ann', event: 'by user', disposition: 'requireActive' },
      { action: 'stop', userId: 'ann', deviceId: 'd1' },
      { action: 'track', userId: 'ann', event: 'after', disposition: 'requireActive' },
    ])
    expect(elements.map(({ ignored }) => ignored)).toEqual([undefined, undefined, undefined, undefined, true])
  })
  test('what follows a login in the batch concerns the user who logged in', async () => {
    await multi([
      track('ann', 'before'),
      { action: 'track', deviceId: 'd1', event: 'anonymous' },
      { action: 'setUserAttributes', deviceId: 'd1', newUserId: 'ann' },
      { action: 'track', deviceId: 'd1', event: 'after' },
      { action: 'deleteUser', userId: 'bob' },
    ])
    expect(Object.keys((await world.call('exportUser', { userId: 'ann' })).events as object)).toEqual([
      'before',
      'anonymous',
      'after',
    ])
  })
  test('a user deleted and met again within one batch is a new one', async () => {
    await multi([track('ann', 'old'), { action: 'deleteUser', userId: 'ann' }, track('ann', 'new')])
    expect(Object.keys((await world.call('exportUser', { userId: 'ann' })).events as object)).toEqual(['new'])
  })
  test('an SDK may send ten thousand actions at once', async () => {
    const data = Array.from({ length: 10_000 }, (_, n) => ({
      action: 'track',
      deviceId: 'd1',
      userId: 'd1',
      event: 'e',
      reqId: `r${n}`,
    }))
    const { status, elements } = await multi(data, { sdkVersion: '7.7.1' })
    expect(status).toBe(200)
    expect(elements).toHaveLength(10_000)
    expect(await world.call('exportUser', { userId: 'd1' })).toMatchObject({ events: { e: { count: 10_000 } } })
    await multi(data, { sdkVersion: '7.7.1' })
    expect(await world.call('exportUser', { userId: 'd1' })).toMatchObject({ events: { e: { count: 10_000 } } })
  })
})

test('a settled profile has its sessions ended, and is not overdue any more', async () => {
  await world.call('start', { userId: 'ann', deviceId: 'd1' })
  world.clock.advance(DAY_MS)
  expect(await world.sweep()).toBe(1)
  expect(await world.sweep()).toBe(0)
  expect((await world.entries('app_test', 'ann')).map(({ kind }) => kind)).toEqual([
    'profileCreated',
    'sessionStarted',
    'sessionEnded',
  ])
})

test('a profile that is busy is told with 429 when nobody waits, and nothing of the request is done [E-09]', async () => {
  const strict = await createTestServer({ store: memoryStore({ lockWaitMs: 0 }) })
  await strict.call('track', { userId: 'ann', event: 'before' })
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => strict.call('track', { userId: 'ann', event: 'e' })),
  )
  const busy = answers.filter(({ httpStatus }) => httpStatus === 429)
  expect(busy.length).toBeGreaterThan(0)
  for (const { error } of busy)
    expect(error).toEqual({ message: 'Request failed due to concurrent requests to the same profile ID' })
  expect((await strict.call('exportUser', { userId: 'ann' })).events).toMatchObject({ e: { count: 20 - busy.length } })
})
