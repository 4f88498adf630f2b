import { DAY_MS, HOUR_MS, MINUTE_MS } from '@damson/core'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../testing/test-server.ts'
import { userBucket } from './hash.ts'

let world: TestServer
beforeEach(async () => {
  world = await createTestServer({ now: 1_700_000_000_000 })
})

const call = (action: string, args: Record<string, unknown>) => world.call(action, args)
const user = async (ids: Record<string, unknown>) => world.call('exportUser', ids)
const UNKNOWN = { success: true, warning: { message: 'User not found; request skipped.' } }

describe('selecting a user', () => {
  test('needs a user or a device [U-01]', async () => {
    expect(await call('track', { event: 'e' })).toMatchObject({
      httpStatus: 404,
      success: false,
      error: { message: 'Invalid app/user combination' },
    })
  })

  test('by user id alone associates no device [U-02]', async () => {
    await call('track', { userId: 'ann', event: 'e' })
    expect(await user({ userId: 'ann' })).toMatchObject({ userId: 'ann', devices: [] })
  })

  test('by device alone is the user who is on it, or an anonymous one under its id [U-03]', async () => {
    await call('track', { deviceId: 'd1', event: 'e' })
    expect(await user({ userId: 'd1' })).toMatchObject({ userId: 'd1', devices: [{ deviceId: 'd1' }] })
    await call('track', { userId: 'ann', deviceId: 'd1', event: 'e' })
    await call('track', { deviceId: 'd1', event: 'e' })
    expect(await user({ userId: 'ann' })).toMatchObject({ events: { e: { count: 2 } } })
  })

  test('a shared device stays linked to both users and has the last one as its own [U-04]', async () => {
    await call('start', { userId: 'ann', deviceId: 'd1' })
    await call('start', { userId: 'bob', deviceId: 'd1' })
    expect(await user({ userId: 'ann' })).toMatchObject({ devices: [{ deviceId: 'd1' }] })
    expect(await user({ deviceId: 'd1' })).toMatchObject({ userId: 'bob' })
  })

  test('ids have at most 400 characters [U-05]', async () => {
    expect(await call('track', { userId: 'x'.repeat(400), event: 'e' })).toMatchObject({ success: true })
    for (const id of ['userId', 'deviceId']) {
      expect(await call('track', { [id]: 'x'.repeat(401), event: 'e' })).toMatchObject({
        httpStatus: 400,
        error: { message: `'${id}' is invalid.` },
      })
    }
  })

  test('a user id equal to the device id is nobody in particular: it follows the device [U-06]', async () => {
    await call('track', { userId: 'd1', deviceId: 'd1', event: 'e' })
    await call('setUserAttributes', { userId: 'd1', deviceId: 'd1', newUserId: 'ann' })
    await call('track', { userId: 'd1', deviceId: 'd1', event: 'e' })
    expect(await user({ userId: 'ann' })).toMatchObject({ events: { e: { count: 2 } } })
  })

  test('a numeric id is the same user as its text [U-07]', async () => {
    await call('track', { userId: 123456, event: 'e' })
    expect(await user({ userId: '123456' })).toMatchObject({ userId: '123456' })
  })
})

describe('newUserId', () => {
  test('registers an anonymous profile: it keeps everything under its new id [U-08]', async () => {
    await call('track', { deviceId: 'd1', event: 'e', value: 2 })
    await call('setUserAttributes', { deviceId: 'd1', newUserId: 'ann', userAttributes: { plan: 'gold' } })
    expect(await user({ userId: 'ann' })).toMatchObject({
      userAttributes: { plan: 'gold' },
      events: { e: { count: 1, value: 2 } },
      devices: [{ deviceId: 'd1' }],
    })
    expect(await user({ userId: 'd1' })).toMatchObject(UNKNOWN)
  })

  test('registers a device that was never heard of in the same call [U-08]', async () => {
    await call('setUserAttributes', { deviceId: 'd9', newUserId: 'ann' })
    expect(await user({ userId: 'ann' })).toMatchObject({ devices: [{ deviceId: 'd9' }] })
    expect(await user({ userId: 'd9' })).toMatchObject(UNKNOWN)
  })

  test('merges the anonymous profile into the user who logs in; the open session goes on as theirs [U-09]', async () => {
    await call('track', { userId: 'ann', event: 'e' })
    await call('start', { deviceId: 'd1' })
    await call('track', { deviceId: 'd1', event: 'e' })
    world.clock.advance(MINUTE_MS)
    await call('setUserAttributes', { userId: 'd1', deviceId: 'd1', newUserId: 'ann' })
    expect(await call('track', { userId: 'ann', deviceId: 'd1', event: 'e' })).not.toHaveProperty('isOffline')
    expect(await user({ userId: 'ann' })).toMatchObject({ totalSessions: 1, events: { e: { count: 3 } } })
    expect(await user({ userId: 'd1' })).toMatchObject(UNKNOWN)
  })

  test('of two open sessions on one device the one of the user who was there before ends [U-09]', async () => {
    await call('start', { userId: 'ann', deviceId: 'd1' })
    world.clock.advance(MINUTE_MS)
    // The app lost its memory: the same device speaks for nobody again, and belongs to ann. Another one is anonymous.
    await call('start', { userId: 'd2', deviceId: 'd2' })
    await call('setUserAttributes', { userId: 'd2', deviceId: 'd2', devices: [{ deviceId: 'd1' }] })
    await call('start', { deviceId: 'd1' })
    world.clock.advance(MINUTE_MS)
    await call('setUserAttributes', { userId: 'd2', deviceId: 'd2', newUserId: 'ann' })
    const ended = (await world.entries('app_test', 'ann')).filter(({ kind }) => kind === 'sessionEnded')
    expect(ended).toMatchObject([{ reason: 'switch', durationMs: 2 * MINUTE_MS }])
    expect(await user({ userId: 'ann' })).toMatchObject({ totalSessions: 3 })
  })

  test('switches users: the session of the one ends, one of the other begins [U-10]', async () => {
    await call('start', { userId: 'ann', deviceId: 'd1' })
    world.clock.advance(MINUTE_MS)
    await call('setUserAttributes', { userId: 'ann', deviceId: 'd1', newUserId: 'bob' })
    expect(await user({ userId: 'ann' })).toMatchObject({ totalSessions: 1, timeSpentInApp: 60 })
    expect(await user({ userId: 'bob' })).toMatchObject({ totalSessions: 1, devices: [{ deviceId: 'd1' }] })
    expect(await call('track', { deviceId: 'd1', event: 'e' })).not.toHaveProperty('isOffline')
    expect(await user({ userId: 'bob' })).toMatchObject({ events: { e: { count: 1 } } })
  })

  test('switching without an open session begins none [U-10]', async () => {
    await call('setUserAttributes', { userId: 'ann', userAttributes: { a: 1 } })
    await call('setUserAttributes', { userId: 'ann', newUserId: 'bob' })
    expect(await user({ userId: 'bob' })).toMatchObject({ totalSessions: 0 })
  })

  test('the id the user has already changes nothing [U-11]', async () => {
    await call('start', { userId: 'ann', deviceId: 'd1' })
    await call('setUserAttributes', { userId: 'ann', deviceId: 'd1', newUserId: 'ann', userAttributes: { a: 1 } })
    expect(await user({ userId: 'ann' })).toMatchObject({ totalSessions: 1, userAttributes: { a: 1 } })
  })

  test('attributes of the same call belong to the user it results in [U-12]', async () => {
    await call('setUserAttributes', { userId: 'ann', userAttributes: { colour: 'red' } })
    await call('setUserAttributes', { userId: 'ann', newUserId: 'bob', userAttributes: { colour: 'blue' } })
    expect(await user({ userId: 'ann' })).toMatchObject({ userAttributes: { colour: 'red' } })
    expect(await user({ userId: 'bob' })).toMatchObject({ userAttributes: { colour: 'blue' } })
  })

  test('merging twice is merging once: the anonymous profile is gone [U-09]', async () => {
    await call('track', { userId: 'ann', event: 'e' })
    await call('track', { deviceId: 'd1', event: 'e' })
    const login = { userId: 'd1', deviceId: 'd1', newUserId: 'ann' }
    await call('setUserAttributes', login)
    const once = await user({ userId: 'ann' })
    await call('setUserAttributes', login)
    expect(await user({ userId: 'ann' })).toEqual(once)
  })

  test('two logins that cross each other end in the same two users [U-09]', async () => {
    await call('track', { deviceId: 'd1', event: 'e' })
    await call('track', { deviceId: 'd2', event: 'e' })
    await call('track', { userId: 'ann', event: 'e' })
    await Promise.all([
      call('setUserAttributes', { userId: 'd1', deviceId: 'd1', newUserId: 'ann' }),
      call('setUserAttributes', { userId: 'd2', deviceId: 'd2', newUserId: 'ann' }),
      call('setUserAttributes', { userId: 'd1', deviceId: 'd1', newUserId: 'ann' }),
    ])
    expect(await user({ userId: 'ann' })).toMatchObject({ events: { e: { count: 3 } } })
    const devices = (await user({ userId: 'ann' })).devices as { deviceId: string }[]
    expect(devices.map(({ deviceId }) => deviceId).sort()).toEqual(['d1', 'd2'])
  })
})

describe('an unknown user', () => {
  const creating = ['start', 'track', 'setUserAttributes', 'setDeviceAttributes', 'setTrafficSourceInfo']
  const skipping = [
    'advance',
    'pauseState',
    'resumeState',
    'pauseSession',
    'resumeSession',
    'heartbeat',
    'stop',
    'getVars',
  ]
  const args = { event: 'e', state: 's', trafficSource: { publisherId: 1 }, deviceId: 'd' }

  test.each(creating)('is created by %s [U-14]', async (action) => {
    await call(action, { userId: 'new', ...args })
    expect(await user({ userId: 'new' })).toMatchObject({ userId: 'new' })
  })
  test.each(skipping)('is not created by %s, which is skipped with a warning [U-14] [U-15]', async (action) => {
    expect(await call(action, { userId: 'new', ...args })).toMatchObject(UNKNOWN)
    expect(await user({ userId: 'new' })).toMatchObject(UNKNOWN)
  })
  test.each(creating)('is not created by %s with CreateNever [U-15]', async (action) => {
    expect(await call(action, { userId: 'new', ...args, createDisposition: 'CreateNever' })).toMatchObject(UNKNOWN)
    expect(await user({ userId: 'new' })).toMatchObject(UNKNOWN)
  })
  test('is created by any of them with CreateIfNeeded [U-14]', async () => {
    expect(await call('advance', { userId: 'new', state: 's', createDisposition: 'CreateIfNeeded' })).toMatchObject({
      success: true,
      isOffline: true,
    })
  })
  test('another disposition is refused [U-16]', async () => {
    expect(await call('track', { userId: 'u', event: 'e', createDisposition: 'Perhaps' })).toMatchObject({
      httpStatus: 400,
      error: { message: "'createDisposition' is invalid." },
    })
  })
})

describe('exportUser', () => {
  test('tells every field in its recorded form [U-17]', async () => {
    await call('setUserAttributes', {
      userId: 'ann',
      deviceId: 'd1',
      userAttributes: { member: true, name: 'Ann', tags: ['a', false], age: 7 },
      unsubscribeChannelsToAdd: 'Email',
      unsubscribeCategoriesToAdd: [3],
      country: 'US',
      timezone: 'Europe/Berlin',
      timezoneOffsetSeconds: '3600',
    })
    await call('track', { userId: 'ann', event: 'plain' })
    await call('track', { userId: 'ann', event: 'valued', value: '1.5' })
    const exported = await user({ userId: 'ann' })
    expect(exported).toEqual({
      httpStatus: 200,
      success: true,
      userId: 'ann',
      created: 1_700_000_000,
      lastActive: null,
      totalSessions: 0,
      timeSpentInApp: 0,
      userAttributes: { member: 'True', name: 'Ann', tags: ['a', 'False'], age: 7 },
      events: {
        plain: { count: 1, firstTime: 1_700_000_000, lastTime: 1_700_000_000 },
        valued: { count: 1, value: 1.5, firstTime: 1_700_000_000, lastTime: 1_700_000_000 },
      },
      states: {},
      devices: [{ deviceId: 'd1' }],
      unsubscribeChannels: ['Email'],
      unsubscribeCategories: [{ id: 3 }],
      country: 'US',
      timezone: 'Europe/Berlin',
      timezoneOffsetSeconds: 3600,
      userBucket: userBucket('ann'),
    })
  })

  test('a session that has timed out has ended for whoever looks, sweep or no sweep [U-17]', async () => {
    await call('start', { userId: 'ann', deviceId: 'd1' })
    world.clock.advance(10 * MINUTE_MS)
    await call('heartbeat', { userId: 'ann', deviceId: 'd1' })
    world.clock.advance(2 * HOUR_MS)
    expect(await user({ userId: 'ann' })).toMatchObject({ timeSpentInApp: 600 })
  })

  test('the bucket is between 0 and 999 and belongs to the id alone [U-18]', () => {
    fc.assert(
      fc.property(
        fc.string(),
        (id) => userBucket(id) === userBucket(id) && userBucket(id) >= 0 && userBucket(id) < 1000,
      ),
    )
    expect(userBucket('123456')).toBe(userBucket('123456'))
    expect(new Set(Array.from({ length: 5_000 }, (_, n) => userBucket(`user${n}`))).size).toBeGreaterThan(950)
  })
})

describe('developers, blocking and deletion', () => {
  test('devMode marks the user as a developer; what is known of the session says so [U-19]', async () => {
    await call('start', { userId: 'dev', deviceId: 'd1', devMode: true })
    await call('stop', { userId: 'dev', deviceId: 'd1' })
    const ended = (await world.entries('app_test', 'dev')).find(({ kind }) => kind === 'sessionEnded')
    expect(ended).toMatchObject({ snapshot: { isDeveloper: true } })
  })

  test('devMode is one request a second for each device, in bursts of ten [U-19]', async () => {
    const track = () => call('track', { userId: 'u', deviceId: 'd1', event: 'e', devMode: true })
    for (let n = 0; n < 10; n++) expect((await track()).success).toBe(true)
    expect(await track()).toMatchObject({ httpStatus: 429, error: { message: 'Per device rate limit exceeded.' } })
    expect((await call('track', { userId: 'u', deviceId: 'd2', event: 'e', devMode: true })).success).toBe(true)
    world.clock.advance(1_000)
    expect((await track()).success).toBe(true)
    expect((await track()).success).toBe(false)
  })

  test('a blocked user is refused with 451, and looks unknown [U-20]', async () => {
    await call('start', { userId: 'ann', deviceId: 'd1', userAttributes: { a: 1 } })
    await call('block', { userId: 'ann' })
    for (const action of ['start', 'track', 'setUserAttributes', 'heartbeat', 'getVars']) {
      expect(await call(action, { userId: 'ann', event: 'e' })).toMatchObject({
        httpStatus: 451,
        success: false,
        error: { message: 'Unavailable For Legal Reasons' },
      })
    }
    expect(await user({ userId: 'ann' })).toMatchObject(UNKNOWN)
    expect(await world.entries('app_test', 'ann')).toEqual([])
  })

  test('blocking an unknown user blocks whoever comes under that id [U-21]', async () => {
    await call('block', { userId: 'ghost' })
    expect(await call('track', { userId: 'ghost', event: 'e' })).toMatchObject({ httpStatus: 451 })
  })

  test('unblocking collects again and restores nothing; unblocking others is no fault [U-22]', async () => {
    await call('setUserAttributes', { userId: 'ann', userAttributes: { a: 1 } })
    await call('block', { userId: 'ann' })
    await call('unblock', { userId: 'ann' })
    expect(await call('track', { userId: 'ann', event: 'e' })).toMatchObject({ success: true })
    expect(await user({ userId: 'ann' })).toMatchObject({ userAttributes: {}, events: { e: { count: 1 } } })
    expect(await call('unblock', { userId: 'nobody' })).toEqual({ httpStatus: 200, success: true })
  })

  test('a deleted user is gone, and the id may be used again [U-23] [U-26]', async () => {
    await call('start', { userId: 'ann', deviceId: 'd1', userAttributes: { a: 1 } })
    expect(await call('deleteUser', { userId: 'ann' })).toEqual({ httpStatus: 200, success: true })
    expect(await user({ userId: 'ann' })).toMatchObject(UNKNOWN)
    expect(await call('deleteUser', { userId: 'ann' })).toMatchObject(UNKNOWN)
    world.clock.advance(DAY_MS)
    await call('track', { userId: 'ann', event: 'e' })
    expect(await user({ userId: 'ann' })).toMatchObject({
      created: 1_700_086_400,
      userAttributes: {},
      totalSessions: 0,
    })
  })

  test.each([false, true])(
    'a user may be deleted from a device nobody knew (full erasure: %s) [U-23]',
    async (fullErasure) => {
      await call('track', { userId: 'ann', event: 'e' })
      const gone = { userId: 'ann', deviceId: 'new', fullErasure }
      expect(await call('deleteUser', gone)).toEqual({ httpStatus: 200, success: true })
      expect(await user({ deviceId: 'new' })).toMatchObject(UNKNOWN)
      expect(await call('block', { userId: 'bob', deviceId: 'other' })).toEqual({ httpStatus: 200, success: true })
    },
  )

  test('a device whose user is deleted is nobody any more [U-23]', async () => {
    await call('start', { userId: 'ann', deviceId: 'd1' })
    await call('deleteUser', { userId: 'ann' })
    await call('track', { deviceId: 'd1', event: 'e' })
    expect(await user({ deviceId: 'd1' })).toMatchObject({ userId: 'd1' })
  })

  test('by device id alone only a device on which nobody logged in is deleted or blocked [U-24]', async () => {
    await call('start', { userId: 'ann', deviceId: 'd1' })
    expect(await call('deleteUser', { deviceId: 'd1' })).toMatchObject(UNKNOWN)
    expect(await call('block', { deviceId: 'd1' })).toMatchObject(UNKNOWN)
    expect(await user({ userId: 'ann' })).toMatchObject({ userId: 'ann' })
    await call('start', { deviceId: 'd2' })
    expect(await call('deleteUser', { deviceId: 'd2' })).toEqual({ httpStatus: 200, success: true })
    expect(await user({ deviceId: 'd2' })).toMatchObject(UNKNOWN)
  })

  test('full erasure takes the history too, and a late retry does not bring the user back [U-25]', async () => {
    const message = { userId: 'ann', deviceId: 'd1', event: 'secret', reqId: 'r1', uuid: 'b1' }
    await call('track', message)
    await call('deleteUser', { userId: 'ann', fullErasure: true })
    expect(await world.entries('app_test', 'ann')).toEqual([])
    expect(await call('track', message)).toEqual({ httpStatus: 200, success: true, reqId: 'r1' })
    expect(await user({ userId: 'ann' })).toMatchObject(UNKNOWN)
  })
})

test('sessions of two devices of one user never overlap per device, however their actions interleave [U-04]', async () => {
  const step = fc.record({
    action: fc.constantFrom('start', 'stop', 'pauseSession', 'resumeSession', 'track', 'heartbeat', 'advance'),
    deviceId: fc.constantFrom('d1', 'd2', undefined),
    wait: fc.constantFrom(0, 1, MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS),
    ago: fc.constantFrom(0, 0, 0, MINUTE_MS, HOUR_MS, 5 * HOUR_MS),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const one = await createTestServer({ now: 1_700_000_000_000 })
      for (const { action, deviceId, wait, ago } of steps) {
        one.clock.advance(wait)
        const time = (one.clock.now() - ago) / 1000
        await one.call(action, { userId: 'ann', deviceId, event: 'e', state: 's', time })
      }
      one.clock.advance(DAY_MS)
      await one.sweep()
      const open = new Set<string>()
      const deviceOf = new Map<string, string>()
      const ended = new Map<string, { start: number; end: number }>()
      for (const entry of await one.entries('app_test', 'ann')) {
        if (entry.kind === 'sessionStarted') deviceOf.set(entry.record, entry.deviceId ?? '')
        if (entry.kind === 'sessionStarted' || entry.kind === 'sessionReopened') open.add(entry.record)
        if (entry.kind === 'sessionDiscarded' || entry.kind === 'sessionEnded') open.delete(entry.record)
        if (entry.kind === 'sessionEnded') ended.set(entry.record, { start: entry.startedAt, end: entry.at })
        if (entry.kind === 'sessionExtended') ended.set(entry.record, { ...ended.get(entry.record)!, end: entry.at })
      }
      expect(open.size).toBe(0)
      for (const device of new Set(deviceOf.values())) {
        const lane = [...ended].filter(([record]) => deviceOf.get(record) === device).map(([, span]) => span)
        lane.sort((a, b) => a.start - b.start || a.end - b.end)
        for (const [index, { start }] of lane.entries()) {
          if (index > 0) expect(start).toBeGreaterThanOrEqual(lane[index - 1]!.end)
        }
      }
      await one.close()
    }),
    { numRuns: 200 },
  )
}, 60_000)
