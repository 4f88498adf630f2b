import { MAX_NOTIFICATION_CHANNELS } from '@damson/core/protocol'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../testing/test-server.ts'

let world: TestServer
beforeEach(async () => {
  world = await createTestServer()
})
afterEach(() => world.close())

const add = (id: string, more: object = {}) => world.call('addAndroidNotificationChannel', { id, name: id, ...more })
const listed = async () =>
  (await world.call('getAndroidNotificationChannels', { clientKey: 'prod_test' })).notificationChannels as {
    id: string
    default: boolean
  }[]
const standing = async () => (await listed()).find((channel) => channel.default)?.id

test('a channel is made with what was said of it; the first is the default until another says so [A-01]', async () => {
  expect(await listed()).toEqual([])
  expect(await add('c1', { importance: '4', enableLights: 'true', vibrationPattern: '[100, 200]' })).toEqual({
    httpStatus: 200,
    success: true,
    channelCreated: true,
    channelId: 'c1',
    name: 'c1',
    importance: 4,
  })
  expect(await add('c2')).toMatchObject({ channelCreated: true, importance: 3 })
  expect(await listed()).toEqual([
    { id: 'c1', name: 'c1', importance: 4, enableLights: true, vibrationPattern: [100, 200], default: true },
    { id: 'c2', name: 'c2', importance: 3, default: false },
  ])
  await add('c3', { default: true })
  expect(await standing()).toBe('c3')
})

test('the same id updates name, description and default, and nothing else: the rest is the user’s [A-02]', async () => {
  await add('c1', { importance: 4, showBadge: true })
  await add('c2')
  const changed = { name: 'News', description: 'What is new', importance: 1, showBadge: false, default: true }
  expect(await add('c2', changed)).toEqual({
    httpStatus: 200,
    success: true,
    channelUpdated: true,
    channelId: 'c2',
    name: 'News',
    importance: 3,
  })
  expect(await listed()).toMatchObject([
    { id: 'c1', importance: 4, showBadge: true, default: false },
    { id: 'c2', name: 'News', description: 'What is new', importance: 3, default: true },
  ])
  expect(await add('c2')).toMatchObject({ channelUpdated: true })
  expect(await standing()).toBe('c2')
})

test('a channel is deleted; the default one only when it is the last [A-03]', async () => {
  await add('c1')
  await add('c2')
  const remove = (channelId: string) => world.call('deleteAndroidNotificationChannel', { channelId })
  expect(await remove('c1')).toMatchObject({
    httpStatus: 400,
    error: { message: 'Cannot delete the default channel.' },
  })
  expect(await remove('c9')).toMatchObject({ httpStatus: 404, error: { message: 'Channel not found.' } })
  expect(await remove('c2')).toEqual({ httpStatus: 200, success: true, channelDeleted: true, channelId: 'c2' })
  expect(await remove('c1')).toMatchObject({ channelDeleted: true })
  expect(await listed()).toEqual([])
  await add('c4')
  expect(await standing()).toBe('c4')
})

test('start tells them to devices under the names that the Android SDK reads; without any it is silent [A-04]', async () => {
  const before = await world.call('start', { deviceId: 'd1' })
  expect(before).not.toHaveProperty('notificationChannels')
  expect(before).not.toHaveProperty('defaultNotificationChannel')
  const said = { lightColor: 255, enableVibration: true, vibrationPattern: [1], groupId: 'g', lockscreenVisibility: -1 }
  await add('c1', { ...said, bypassDnd: false })
  expect(await world.call('start', { deviceId: 'd1' })).toMatchObject({
    notificationChannels: [
      {
        id: 'c1',
        name: 'c1',
        importance: 3,
        light_color: 255,
        enable_vibration: true,
        vibration_pattern: [1],
        groupId: 'g',
        lockscreen_visibility: -1,
        bypass_dnd: false,
      },
    ],
    defaultNotificationChannel: 'c1',
  })
})

test.each([
  ['importance', { importance: 6 }],
  ['importance', { importance: 'high' }],
  ['lockscreenVisibility', { lockscreenVisibility: 2 }],
  ['vibrationPattern', { vibrationPattern: [-1] }],
  ['description', { description: 'x'.repeat(301) }],
])('%s as in %j is refused, and nothing is kept [A-01]', async (name, args) => {
  expect(await add('c1', args)).toMatchObject({ httpStatus: 400, error: { message: `'${name}' is invalid.` } })
  expect(await listed()).toEqual([])
})

test('an app has so many channels and no more; what is there can still be updated [A-01]', async () => {
  for (let number = 0; number < MAX_NOTIFICATION_CHANNELS; number++) await add(`c${number}`)
  expect(await add('more')).toMatchObject({
    httpStatus: 403,
    error: { message: 'Maximum number of notification channels reached (100).' },
  })
  expect(await add('c5')).toMatchObject({ channelUpdated: true })
})

test('the production key may read them, and no more [A-01]', async () => {
  const clientKey = 'prod_test'
  expect(await add('c1', { clientKey })).toMatchObject({ httpStatus: 403 })
  expect(await world.call('deleteAndroidNotificationChannel', { channelId: 'c1', clientKey })).toMatchObject({
    httpStatus: 403,
  })
})
