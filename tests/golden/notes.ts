import { expect } from 'vitest'
import { NOW, type World } from './world.ts'

type Check = (world: World) => Promise<void>

const entriesOf = async ({ server }: World, userId: string, kind: string) =>
  (await server.entries('app_T', userId)).filter((entry) => entry.kind === kind)

/** The user has so many sessions, the last of them still open or not. */
const sessions =
  (total: number): Check =>
  async ({ user }) => {
    expect((await user('u1'))?.totalSessions).toBe(total)
  }

/** What a vector's note says of the state afterwards, by the vector's name. Notes that say nothing of it are not here. */
export const notes: Readonly<Record<string, Check>> = {
  'multi-numeric-userId': async ({ user }) => {
    expect(await user('123456')).toMatchObject({ userId: '123456', userAttributes: { plan: 'a' } })
  },
  'sendMessage-sent': async ({ server, user }) => {
    expect((await user('u1'))?.events).toMatchObject({ '.m5000000000000001': { count: 1 } })
    const sent = []
    const waiting = { appId: 'app_T', kind: 'message', status: 'waiting' } as const
    for await (const { data } of server.store.deliveries(waiting)) sent.push(JSON.parse(data))
    const part = { channel: 'fcm', token: 'token-u1', data: { lp_message: 'Hello bar' } }
    expect(sent).toMatchObject([{ messageId: 5000000000000001, userId: 'u1', deviceId: 'd-u1', part }])
  },
  'exportUser-unknown': async ({ user }) => expect(await user('gone')).toBeNull(),
  'exportUser-shape': async ({ user }) => {
    const exported = await user('123456')
    const { purchase } = exported!.events as Record<string, { firstTime: unknown; lastTime: unknown }>
    expect(purchase).toMatchObject({ firstTime: NOW - 9_000, lastTime: NOW - 8_000 })
    expect(exported!.userBucket).toBeGreaterThanOrEqual(0)
    expect(exported!.userBucket).toBeLessThanOrEqual(999)
  },
  'setUserAttributes-devices-and-events': async ({ user }) => {
    const eventName1 = { count: 1, firstTime: 1_699_913_600, lastTime: 1_700_000_000 }
    expect(await user('u1')).toMatchObject({ events: { eventName1 } })
  },
  'setUserAttributes-event-time-iso-rejected': async ({ user }) => expect(await user('u1')).toBeNull(),
  'past-event-731-days': async ({ user }) => {
    expect(await user('u1')).toMatchObject({ events: { purchase: { lastTime: NOW } } })
  },
  'small-skew-is-corrected': async ({ user }) => {
    expect(await user('u9')).toMatchObject({ events: { a: { lastTime: NOW } } })
  },
  'start-json': async ({ user }) => {
    const userAttributes = { gender: 'F', age: 21 }
    expect(await user('u1')).toMatchObject({ totalSessions: 1, userAttributes, devices: [{ deviceId: 'd1' }] })
  },
  'getVars-with-variant': async (world) => {
    expect(await entriesOf(world, 'u1', 'variantEntered')).toMatchObject([{ testId: 4, variantId: 5 }])
  },
  setVars: async ({ act }) => {
    const { vars } = await act('getVars', {})
    expect(vars).toEqual({ message: 'hello', n: 1, list: [1, 2] })
  },
  addAndroidNotificationChannel: async ({ act }) => {
    const { defaultNotificationChannel, notificationChannels } = await act('start', { userId: 'u1' })
    expect(defaultNotificationChannel).toBe('c1')
    expect(notificationChannels).toEqual([{ id: 'c1', name: 'Promotions', importance: 3 }])
  },
  'setVars-and-delete': async ({ act }) => expect((await act('getVars', {})).vars).toEqual({ kept: 1 }),
  downloadFile: async ({ send, read }) => {
    const query = { appId: 'app_T', clientKey: 'prod_T', action: 'downloadFile', filename: 'a.png' }
    const { headers } = await send({ method: 'GET', query, body: null })
    expect(await read(headers.location ?? '')).toBe('not really a picture')
  },
  'track-createNever': async ({ user }) => expect(await user('nobody')).toBeNull(),
  block: async ({ user }) => expect(await user('u1')).toBeNull(),
  unblock: async ({ user }) => expect(await user('blocked1')).toMatchObject({ userAttributes: {}, events: {} }),
  'multi-documented': async (world) => {
    expect(await world.user('user1')).toMatchObject({ totalSessions: 1 })
    const [started] = await entriesOf(world, 'user1', 'sessionStarted')
    expect(await entriesOf(world, 'user1', 'event')).toMatchObject([
      { record: (started as { record: string }).record, params: { Level: 1, Score: 100 } },
    ])
  },
  'multi-501-actions': async ({ user }) => expect(await user('u1')).toBeNull(),
  'multi-51-users': async ({ user }) => expect(await user('u1')).toBeNull(),
  'disposition-requireActive-rejected': async ({ user }) => expect(await user('u1')).toMatchObject({ events: {} }),
  'disposition-passive-outside': async ({ user }) => {
    expect(await user('u1')).toMatchObject({ lastActive: 1_690_000_000, events: { got_gift: { count: 1 } } })
  },
  'purchase-currency': async (world) => {
    const [event] = await entriesOf(world, 'u1', 'event')
    expect(event).toMatchObject({ params: { localPrice: 10, localCurrency: 'EUR' } })
    expect((event as { value: number }).value).toBeCloseTo(11, 10)
  },
  'attributes-add': async ({ user }) => {
    expect(await user('u1')).toMatchObject({ userAttributes: { interests: ['Hiking', 'Chess', 'Books'] } })
  },
  'attributes-remove': async ({ user }) => {
    expect(await user('u1')).toMatchObject({ userAttributes: { interests: ['Hiking'] } })
  },
  'attributes-increment': async ({ user }) => {
    expect(await user('u1')).toMatchObject({ userAttributes: { unread: 1, name: 'Ann' } })
  },
  'newUserId-register': async ({ user }) => {
    expect(await user('alice')).toMatchObject({ events: { e: { count: 3 } } })
    expect(await user('d1')).toBeNull()
  },
  'newUserId-login': async ({ user }) => {
    expect(await user('alice')).toMatchObject({ events: { e: { count: 7 } } })
    expect(await user('d1')).toBeNull()
  },
  'newUserId-switch': async (world) => {
    expect(await entriesOf(world, 'alice', 'sessionEnded')).toMatchObject([{ at: NOW * 1000, reason: 'switch' }])
    expect(await world.user('bob')).toMatchObject({ totalSessions: 1 })
    expect(await entriesOf(world, 'bob', 'sessionEnded')).toEqual([])
  },
  'track-only-messageId': async ({ user }) => {
    expect(await user('u1')).toMatchObject({ events: { '.m4539350314909696': { count: 1 } } })
  },
  'get-with-single-quoted-json': async ({ user }) => {
    expect(await user('u1')).toMatchObject({ userAttributes: { Interests: ['Technology', 'Music'] } })
  },
  'web-sdk-batch': async ({ user }) => {
    expect(await user('AbCdEfGhIjKlMnOp')).toMatchObject({ totalSessions: 1, userAttributes: { plan: 'a' } })
  },
  'session-pause-resume-10min': sessions(1),
  'session-resume-35min': async (world) => {
    await sessions(2)(world)
    const ended = await entriesOf(world, 'u1', 'sessionEnded')
    expect(ended).toMatchObject([{ at: (NOW - 2100) * 1000, reason: 'pauseTimeout', durationMs: 60_000 }])
  },
  'session-resume-exactly-30min': sessions(2),
  'session-timeout-2h': async (world) => {
    const ended = await entriesOf(world, 'u1', 'sessionEnded')
    expect(ended).toMatchObject([{ at: (NOW - 7200) * 1000, reason: 'timeout', durationMs: 0 }])
  },
  'session-background-start-uncounted': async (world) => {
    await sessions(0)(world)
    await world.act('resumeSession', { userId: 'u1', deviceId: 'd1' })
    await sessions(1)(world)
  },
  'session-background-then-resume': sessions(1),
  'session-start-after-pause-10min': async (world) => {
    await sessions(1)(world)
    expect(await entriesOf(world, 'u1', 'sessionEnded')).toEqual([])
  },
  'session-start-while-active': async (world) => {
    await sessions(2)(world)
    expect(await entriesOf(world, 'u1', 'sessionEnded')).toMatchObject([{ reason: 'restart' }])
  },
  'track-while-paused': async (world) => {
    const [opened] = await entriesOf(world, 'u1', 'offlineOpened')
    expect(await entriesOf(world, 'u1', 'event')).toMatchObject([{ record: (opened as { record: string }).record }])
  },
  'advance-empty-state-leaves': async (world) => {
    expect(await entriesOf(world, 'u1', 'stateLeft')).toMatchObject([{ durationMs: 30_000 }])
    await world.act('track', { userId: 'u1', deviceId: 'd1', event: 'e' })
    expect((await entriesOf(world, 'u1', 'event'))[0]).not.toHaveProperty('stateId')
  },
  'params-51': async (world) => {
    const [event] = await entriesOf(world, 'u1', 'event')
    const names = Object.keys((event as { params: object }).params)
    expect(names).toEqual(Array.from({ length: 50 }, (_, index) => `p${index + 1}`))
  },
  'addPostback-fourth': async ({ act }) => {
    const { postbacks } = await act('listPostbacks', { clientKey: 'exp_T' })
    expect(postbacks).toHaveLength(3)
  },
  deletePostback: async ({ act }) => {
    expect(await act('listPostbacks', { clientKey: 'exp_T' })).toMatchObject({ postbacks: [] })
  },
  'body-wins-over-query': async ({ user }) => {
    const exported = await user('u1')
    expect(Object.keys(exported!.events as object)).toEqual(['fromBody'])
  },
}
