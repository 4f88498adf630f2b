import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '@damson/core'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestServer, TEST_APP, type TestServer } from '../testing/test-server.ts'
import { isValidName } from './names.ts'

const NOW = 1_700_000_000

let world: TestServer
beforeEach(async () => {
  world = await createTestServer({
    now: NOW * SECOND_MS,
    apps: [{ ...TEST_APP, settings: { maxEventNames: 3, preferredCurrency: 'USD' } }],
    rates: { base: 'EUR', rates: { USD: 1.1, JPY: 160 } },
  })
})

const call = (action: string, args: Record<string, unknown>) => world.call(action, args)
const ann = { userId: 'ann', deviceId: 'd1' }
const user = async () => world.call('exportUser', { userId: 'ann' })
const attributes = async () => (await user()).userAttributes
const eventsOf = async () => (await world.entries('app_test', 'ann')).filter(({ kind }) => kind === 'event')
const multi = async (time: number | undefined, data: object[], around: object = {}) => {
  const body = JSON.stringify({ ...around, appId: 'app_test', clientKey: 'prod_test', action: 'multi', time, data })
  const response = await world.fetch(new Request('http://test/api', { method: 'POST', body }))
  return ((await response.json()) as { response: Record<string, unknown>[] }).response
}

describe('time', () => {
  test('of a single action is when it happened [D-01]', async () => {
    await call('track', { ...ann, event: 'e', time: NOW - 3600 })
    expect(await user()).toMatchObject({ events: { e: { firstTime: NOW - 3600 } }, created: NOW - 3600 })
  })
  test.each([NOW - 0.75, `${NOW - 0.75}`, `${(NOW - 0.75) / 1e9}e9`])('is understood as %s [D-02]', async (time) => {
    await call('track', { ...ann, event: 'e', time })
    expect(await user()).toMatchObject({ events: { e: { firstTime: NOW - 0.75 } } })
  })
  test.each(['2015-08-12T04:00:00Z', 'yesterday', {}, [], true])('is refused as %j [D-02]', async (time) => {
    expect(await call('track', { ...ann, event: 'e', time })).toMatchObject({
      httpStatus: 400,
      error: { message: "'time' is invalid." },
    })
  })
  test('inside a batch is put on our clock by the difference of the two [D-03]', async () => {
    await multi(NOW - 600, [{ ...ann, action: 'track', event: 'e', time: NOW - 700 }])
    expect(await user()).toMatchObject({ events: { e: { firstTime: NOW - 100 } } })
  })
  test('of a batch is missing: times of actions are taken as they are [D-03]', async () => {
    await multi(undefined, [{ ...ann, action: 'track', event: 'e', time: NOW - 100 }])
    expect(await user()).toMatchObject({ events: { e: { firstTime: NOW - 100 } } })
  })
  test('of a batch with exactTime says how long the request took, up to two seconds [D-08]', async () => {
    const events = (event: string) => [{ ...ann, action: 'track', event, time: NOW - 100 }]
    await multi(NOW - 2, events('exact'), { exactTime: true })
    await multi(NOW - 2, events('corrected'))
    await multi(NOW - 3, events('off'), { exactTime: 'true' })
    expect(await user()).toMatchObject({
      events: { exact: { firstTime: NOW - 100 }, corrected: { firstTime: NOW - 98 }, off: { firstTime: NOW - 97 } },
    })
  })
  test('that is more than a day ahead is rewritten, and the user is marked [D-04] [D-06]', async () => {
    expect(await call('track', { ...ann, event: 'e', time: NOW + 86_401 })).toMatchObject({
      success: true,
      warning: { message: 'Device clock skew detected (1 days ahead). Rewriting timestamp.' },
    })
    const profile = async () => {
      for await (const one of world.store.profiles('app_test')) return one.anomalous
      return undefined
    }
    expect(await profile()).toBe(true)
    expect(await call('setUserAttributes', { ...ann, resetAnomalies: true, time: NOW + 2 * 86_401 })).toEqual({
      httpStatus: 200,
      success: true,
    })
    expect(await profile()).toBe(false)
  })
  test('resetAnomalies needs the development key [D-06]', async () => {
    expect(await call('setUserAttributes', { ...ann, resetAnomalies: true, clientKey: 'prod_test' })).toMatchObject({
      httpStatus: 403,
      error: { message: 'Invalid access key' },
    })
  })
  test('a warning of the action comes before the warning of the clock [D-05]', async () => {
    const [element] = await multi(NOW - 3 * 86_400, [{ userId: 'nobody', action: 'heartbeat' }])
    expect(element).toMatchObject({ warning: { message: 'User not found; request skipped.' } })
  })
})

describe('events', () => {
  test('need a name or a message [C-01]', async () => {
    const missing = { httpStatus: 400, success: false, error: { message: "'event' must be provided" } }
    expect(await call('track', ann)).toMatchObject(missing)
    expect(await call('track', { ...ann, event: '' })).toMatchObject(missing)
    expect(await multi(NOW, [{ ...ann, action: 'track' }])).toMatchObject([{ success: false, error: missing.error }])
  })
  test('about messages carry the id of the message in their name [C-02]', async () => {
    await call('track', { ...ann, messageId: '6678706135760896', event: '' })
    await call('track', { ...ann, messageId: 6678706135760896, event: 'Accept' })
    expect(Object.keys((await user()).events as object)).toEqual(['.m6678706135760896', '.m6678706135760896 Accept'])
  })
  test('add up: count, value, first and last time; without a value there is none [C-03]', async () => {
    await call('track', { ...ann, event: 'e', value: 1.5, time: NOW - 60 })
    await call('track', { ...ann, event: 'e', value: -0.5, time: NOW - 90 })
    await call('track', { ...ann, event: 'e' })
    await call('track', { ...ann, event: 'plain' })
    expect((await user()).events).toEqual({
      e: { count: 3, value: 1, firstTime: NOW - 90, lastTime: NOW },
      plain: { count: 1, firstTime: NOW, lastTime: NOW },
    })
  })
  test('keep info and parameters; nested ones as JSON, null not at all [C-04]', async () => {
    await call('track', { ...ann, event: 'e', info: 'i', params: { a: 1, b: 'x', c: true, d: { deep: [1] }, e: null } })
    expect(await eventsOf()).toMatchObject([{ info: 'i', params: { a: 1, b: 'x', c: true, d: '{"deep":[1]}' } }])
  })
  test('keep fifty parameters and warn about more [C-05]', async () => {
    const params = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, n]))
    expect(await call('track', { ...ann, event: 'e', params: params(50) })).not.toHaveProperty('warning')
    expect(await call('track', { ...ann, event: 'e', params: params(51) })).toMatchObject({
      warning: { message: 'Too many parameters (51); only the first 50 were kept.' },
    })
    expect(
      Object.keys((await eventsOf())[1]!.kind === 'event' ? ((await eventsOf())[1] as { params: object }).params : {}),
    ).toHaveLength(50)
  })
  test.each(['toString', 'hasOwnProperty', 'valueOf', '__lookupGetter__'])('may be called %s [C-03]', async (event) => {
    await call('track', { ...ann, event })
    expect((await user()).events).toEqual({ [event]: { count: 1, firstTime: NOW, lastTime: NOW } })
  })
  test('may not be called __proto__ [C-06]', async () => {
    expect(await call('track', { ...ann, event: '__proto__' })).toMatchObject({ httpStatus: 400 })
    expect(await user()).toHaveProperty('warning')
  })
  test.each(['.dotted', '-dashed', 'slashed/', 'a,b', 'a|b', 'a"b', 'a{b', 'a\tb', '12.5', 'x'.repeat(140)])(
    'are stored with a warning when they are called %j [C-06]',
    async (event) => {
      expect(isValidName(event)).toBe(false)
      expect(await call('track', { ...ann, event })).toMatchObject({ warning: { message: `Invalid name '${event}'.` } })
      expect(Object.keys((await user()).events as object)).toEqual([event])
    },
  )
  test('beyond the number of names an app may have are stored with a warning [C-07]', async () => {
    for (const event of ['one', 'two', 'three'])
      expect(await call('track', { ...ann, event })).not.toHaveProperty('warning')
    expect(await call('track', { ...ann, event: 'four' })).toMatchObject({
      warning: { message: "Too many event names; 'four' is one more than allowed." },
    })
    expect(await call('track', { ...ann, event: 'one' })).not.toHaveProperty('warning')
    expect((await user()).events).toHaveProperty('four')
  })
  test('names that were met are known after a restart [C-07]', async () => {
    for (const event of ['one', 'two', 'three']) await call('track', { ...ann, event })
    await world.server.engine.drain()
    const again = await createTestServer({ now: NOW * SECOND_MS, apps: [], store: world.store })
    const key = { appId: 'app_test', clientKey: 'prod_test' }
    expect(await again.call('track', { ...key, ...ann, event: 'two' })).not.toHaveProperty('warning')
    expect(await again.call('track', { ...key, ...ann, event: 'five' })).toHaveProperty('warning')
  })
})

describe('money', () => {
  const buy = (args: Record<string, unknown>) => call('track', { ...ann, event: 'Purchase', ...args })
  test.each([
    ['EUR', 10, 11],
    ['eur', 10, 11],
    ['JPY', 1600, 11],
    ['USD', 10, 10],
    ['EUR', 0, 0],
    ['EUR', -10, -11],
  ])('in %s is converted, %d becoming %d, and what it was is kept [C-08]', async (currencyCode, value, converted) => {
    expect(await buy({ value, currencyCode })).not.toHaveProperty('warning')
    const [event] = (await eventsOf()) as unknown as { value: number; params: object }[]
    expect(event!.value).toBeCloseTo(converted, 10)
    expect(event!.params).toEqual({ localPrice: value, localCurrency: currencyCode.toUpperCase() })
  })
  test('in a currency nobody knows is kept as it is, with a warning [C-09]', async () => {
    expect(await buy({ value: 5, currencyCode: 'xxy' })).toMatchObject({
      warning: { message: "Unknown currency code 'XXY'; value was not converted." },
    })
    expect(await eventsOf()).toMatchObject([{ value: 5, params: { localPrice: 5, localCurrency: 'XXY' } }])
  })
  test('the two parameters do not count toward the fifty [C-08]', async () => {
    const params = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`p${n}`, n]))
    expect(await buy({ value: 1, currencyCode: 'EUR', params })).not.toHaveProperty('warning')
    expect(Object.keys(((await eventsOf()) as unknown as { params: object }[])[0]!.params)).toHaveLength(52)
  })
  test('without a code is taken as it is [C-08]', async () => {
    await buy({ value: 5 })
    expect((await eventsOf())[0]).not.toHaveProperty('params')
  })
})

describe('attributes', () => {
  const set = (args: Record<string, unknown>) => call('setUserAttributes', { ...ann, ...args })
  test('are changed where they are named, and cleared by null [C-10]', async () => {
    await set({ userAttributes: { a: 1, b: 'x', c: ['p', 'q'] } })
    await set({ userAttributes: { a: null, b: 'y' } })
    expect(await attributes()).toEqual({ b: 'y', c: ['p', 'q'] })
  })
  test('come back with booleans as words and the rest as it was [C-11]', async () => {
    await set({ userAttributes: '{"yes":true,"no":false,"text":"27","number":2.5,"list":["Hiking",true]}' })
    expect(await attributes()).toEqual({ yes: 'True', no: 'False', text: '27', number: 2.5, list: ['Hiking', 'True'] })
  })
  test('are set, added to, removed from and incremented in that order [C-12]', async () => {
    await set({
      userAttributes: { tags: ['a', 'b'], n: 1 },
      userAttributeValuesToAdd: { tags: ['c', 'a'], fresh: 'x' },
      userAttributeValuesToRemove: { tags: 'b' },
      userAttributeValuesToIncrement: { n: 2, missing: '5', tags: 1, text: 1.5 },
    })
    expect(await attributes()).toEqual({ tags: ['a', 'c'], n: 3, fresh: ['x'], missing: 5 })
  })
  test('follow into the session that is open, and not into one that had timed out [C-13]', async () => {
    await call('start', { ...ann, userAttributes: { plan: 'free' } })
    await set({ userAttributes: { plan: 'paid' } })
    world.clock.advance(3 * HOUR_MS)
    await set({ userAttributes: { plan: 'gone' } })
    const [ended] = (await world.entries('app_test', 'ann')).filter(({ kind }) => kind === 'sessionEnded')
    expect(ended).toMatchObject({ snapshot: { attributes: { plan: 'paid' } } })
  })
  test('do not keep a session alive [C-13]', async () => {
    await call('start', ann)
    world.clock.advance(119 * MINUTE_MS)
    await set({ userAttributes: { a: 1 } })
    world.clock.advance(MINUTE_MS)
    expect(await call('track', { ...ann, event: 'e' })).toMatchObject({ isOffline: true })
  })
})

describe('the rest of a profile', () => {
  const set = (args: Record<string, unknown>) => call('setUserAttributes', { ...ann, ...args })
  test('events and states are set and added to [C-14]', async () => {
    await set({
      events: { e: { count: 4, value: 2, firstTime: NOW - 100, lastTime: `${NOW - 50}` }, only: { valueIncrement: 3 } },
      states: { s: { count: 2 } },
    })
    await set({ events: { e: { countIncrement: 2, valueIncrement: '0.5' } }, states: { s: { countIncrement: 1 } } })
    expect(await user()).toMatchObject({
      events: { e: { count: 6, value: 2.5, firstTime: NOW - 100, lastTime: NOW - 50 }, only: { count: 0, value: 3 } },
      states: { s: { count: 3, firstTime: NOW, lastTime: NOW } },
    })
  })
  test.each([
    [{ events: { e: { firstTime: '2015-08-12T04:00:00Z' } } }, "event 'e' firstTime is invalid."],
    [{ events: { e: { count: 1.5 } } }, "event 'e' count is invalid."],
    [{ events: { e: {} } }, "event 'e' is invalid."],
    [{ events: { e: 3 } }, "event 'e' is invalid."],
    [{ states: { s: { lastTime: 'x' } } }, "state 's' lastTime is invalid."],
    [{ states: { s: { value: 1 } } }, "state 's' is invalid."],
  ])('nothing of a call with %j is applied [C-15]', async (args, message) => {
    const all = { ...args, userAttributes: { a: 1 }, newUserId: 'bob' }
    expect(await set(all)).toMatchObject({ httpStatus: 200, success: false, error: { message } })
    expect(await user()).toHaveProperty('warning')
    expect(await world.call('exportUser', { userId: 'bob' })).toHaveProperty('warning')
  })
  test('created, lastActive, totalSessions and timeSpentInApp are set [C-16]', async () => {
    await set({ created: NOW - 500, lastActive: `${NOW - 5}`, totalSessions: 7, timeSpentInApp: 12.5 })
    expect(await user()).toMatchObject({
      created: NOW - 500,
      lastActive: NOW - 5,
      totalSessions: 7,
      timeSpentInApp: 12.5,
    })
  })
  test('channels and categories: subscribing to a channel again leaves the categories alone [C-17]', async () => {
    await set({ unsubscribeChannelsToAdd: ['Email', 'Webhook'], unsubscribeCategoriesToAdd: [1, '2'] })
    await set({ unsubscribeChannelsToRemove: 'Email' })
    expect(await user()).toMatchObject({
      unsubscribeChannels: ['Webhook'],
      unsubscribeCategories: [{ id: 1 }, { id: 2 }],
    })
    await set({ unsubscribeCategoriesToRemove: 1 })
    expect(await user()).toMatchObject({ unsubscribeCategories: [{ id: 2 }] })
    expect(await set({ unsubscribeChannelsToAdd: 'Pigeon' })).toMatchObject({ httpStatus: 400 })
  })
  test('devices keep their fields, and versionName is appVersion [C-18]', async () => {
    await call('start', { ...ann, systemName: 'iOS', versionName: '1.2', deviceModel: 'iPad', unknown: 'x' })
    await call('setDeviceAttributes', { ...ann, appVersion: '1.3', iosPushToken: 'token' })
    await set({ devices: [{ deviceId: 'd2', browserName: 'Chrome' }, { systemName: 'no id' }] })
    const devices = [
      { deviceId: 'd1', systemName: 'iOS', appVersion: '1.3', deviceModel: 'iPad', iosPushToken: 'token' },
      { deviceId: 'd2', browserName: 'Chrome' },
    ]
    expect((await user()).devices).toEqual(devices)
  })
  test('setDeviceAttributes needs a device, and nothing else [C-18]', async () => {
    expect(await call('setDeviceAttributes', { userId: 'ann' })).toMatchObject({
      httpStatus: 400,
      error: { message: "'deviceId' must be provided" },
    })
    expect(await call('setDeviceAttributes', ann)).toEqual({ httpStatus: 200, success: true })
    expect((await user()).devices).toEqual([{ deviceId: 'd1' }])
  })
  test('the traffic source belongs to the profile and to the session it was for [C-19]', async () => {
    await call('start', ann)
    world.clock.advance(MINUTE_MS)
    const trafficSource = JSON.stringify({ publisherId: 7, publisherName: 'News', other: 'x' })
    await call('setTrafficSourceInfo', { ...ann, trafficSource, time: NOW })
    await call('stop', ann)
    const entries = await world.entries('app_test', 'ann')
    const [started] = entries.filter(({ kind }) => kind === 'sessionStarted') as unknown as { record: string }[]
    const source = { publisherId: '7', publisherName: 'News' }
    expect(entries.find(({ kind }) => kind === 'trafficSource')).toMatchObject({ source, record: started!.record })
    expect(entries.find(({ kind }) => kind === 'sessionEnded')).toMatchObject({ snapshot: { trafficSource: source } })
  })
  test('a registered device says so in devMode [C-20]', async () => {
    expect(await call('registerDevice', { deviceId: 'd1', email: 'not an address' })).toMatchObject({ httpStatus: 400 })
    expect(await call('registerDevice', { deviceId: 'd1', email: 'dev@example.com' })).toMatchObject({
      registered: true,
    })
    expect(await call('registerDevice', { deviceId: 'd1', email: 'dev@example.com' })).toMatchObject({
      registered: false,
    })
    expect(await call('start', { deviceId: 'd1', devMode: true })).toMatchObject({ isRegistered: true })
    expect(await call('start', { deviceId: 'd2', devMode: true })).toMatchObject({ isRegistered: false })
    expect(await call('start', { deviceId: 'd1' })).not.toHaveProperty('isRegistered')
  })
})

test('two thousand requests at once on one profile are all counted, in one line [E-08]', async () => {
  await call('start', ann)
  const answers = await Promise.all(
    Array.from({ length: 2_000 }, () => call('track', { ...ann, event: 'e', value: 1 })),
  )
  expect(answers.every(({ success }) => success === true)).toBe(true)
  expect((await user()).events).toMatchObject({ e: { count: 2_000, value: 2_000 } })
  expect(await eventsOf()).toHaveLength(2_000)
})

test('an action with the same reqId on the same device is answered again and not done again [E-07]', async () => {
  const message = { ...ann, event: 'e', reqId: 'r1', uuid: 'b1' }
  const first = await call('track', message)
  expect(await call('track', { ...message, uuid: 'b2' })).toEqual(first)
  expect(await call('track', { ...message, deviceId: 'd2' })).toEqual(first)
  expect((await user()).events).toMatchObject({ e: { count: 2 } })
  world.clock.advance(DAY_MS + 1)
  await world.store.forget(world.clock.now())
  await call('track', message)
  expect((await user()).events).toMatchObject({ e: { count: 3 } })
})

test('without a device the same uuid and reqId are the same message, and another uuid is another [E-07]', async () => {
  const message = { userId: 'ann', event: 'e', reqId: 'r1' }
  await call('track', { ...message, uuid: 'b1' })
  await call('track', { ...message, uuid: 'b1' })
  await call('track', { ...message, uuid: 'b2' })
  await call('track', { userId: 'ann', event: 'e', uuid: 'b1' })
  await call('track', { userId: 'ann', event: 'e', uuid: 'b1' })
  expect((await user()).events).toMatchObject({ e: { count: 4 } })
})

test('a message that occurs twice in one batch is done once [E-07]', async () => {
  const message = { ...ann, action: 'track', event: 'e', reqId: 'r1' }
  const answers = await multi(NOW, [message, message])
  expect(answers[0]).toEqual(answers[1])
  expect((await user()).events).toMatchObject({ e: { count: 1 } })
})
