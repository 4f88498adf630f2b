import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sqliteStore } from '../store/sqlite/sqlite-store.ts'
import { createTestServer, type TestServer } from '../testing/test-server.ts'

let folder: string
let world: TestServer

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damson-erasure-'))
  world = await createTestServer({ store: await sqliteStore({ file: join(folder, 'damson.db') }) })
})
afterEach(async () => {
  await world.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Words that occur nowhere else, one for each place something of a person can lie. */
const CANARIES = Array.from({ length: 20 }, (_, index) => `canary-${index.toString().padStart(2, '0')}-q7x`)
const [
  userId,
  deviceId,
  attribute,
  attributeName,
  event,
  info,
  param,
  paramName,
  state,
  stateInfo,
  city,
  locale,
  model,
  token,
  reqId,
  uuid,
  source,
  client,
  setEvent,
  secondDevice,
] = CANARIES as [string, ...string[]] & Record<number, string>

/** Everything a user can leave with us, in several sessions, some of them merged from an anonymous profile. */
async function live(): Promise<void> {
  const ids = { userId, deviceId }
  const call = async (action: string, args: object) => {
    const { success } = await world.call(action, { ...ids, ...args })
    expect(success).toBe(true)
    world.clock.advance(1_000)
  }
  await call('track', { userId: deviceId, event, reqId: `${reqId}-anonymous` })
  await call('start', { userId: deviceId, deviceModel: model, iosPushToken: token, client })
  await call('setUserAttributes', { userId: deviceId, newUserId: userId })
  await call('start', { city, locale, userAttributes: { [attributeName!]: attribute } })
  await call('track', { event, info, params: { [paramName!]: param }, reqId, uuid })
  await call('advance', { state, info: stateInfo })
  await call('setTrafficSourceInfo', { trafficSource: { publisherName: source } })
  await call('setUserAttributes', { events: { [setEvent!]: { count: 1 } }, devices: [{ deviceId: secondDevice }] })
  await call('track', { deviceId: secondDevice, event, disposition: 'passive' })
  world.clock.advance(3 * 3_600_000)
  await world.sweep()
  await call('start', {})
}

function found(): string[] {
  const bytes = Buffer.concat(readdirSync(folder).map((file) => readFileSync(join(folder, file))))
  return CANARIES.filter((canary) => bytes.includes(canary))
}

test('after a full erasure no byte of a person is left in the folder, and a late retry does not bring them back [U-25]', async () => {
  await live()
  // The search can fail: what is kept in the clear is found before. Message ids are never kept in the clear.
  expect(found()).toEqual(CANARIES.filter((canary) => canary !== reqId && canary !== uuid))

  expect(await world.call('deleteUser', { userId, fullErasure: true })).toMatchObject({ success: true })
  expect(found()).toEqual([])

  const retried = await world.call('track', { userId, deviceId, event, reqId, uuid })
  expect(retried).toMatchObject({ success: true, reqId })
  expect(await world.call('exportUser', { userId })).toHaveProperty('warning')
  expect(found()).toEqual([])
})

test('blocking erases as thoroughly, but for the ids by which the user stays blocked [U-20]', async () => {
  await live()
  expect(await world.call('block', { userId })).toMatchObject({ success: true })
  expect(found()).toEqual([userId, deviceId, secondDevice])
  expect(await world.call('track', { deviceId, event })).toMatchObject({ httpStatus: 451 })
})

test('whoever is not erased stays whole', async () => {
  await world.call('start', { userId: 'bob', userAttributes: { plan: 'gold' } })
  await live()
  await world.call('deleteUser', { userId, fullErasure: true })
  expect(await world.call('exportUser', { userId: 'bob' })).toMatchObject({ userAttributes: { plan: 'gold' } })
  expect(await world.entries('app_test', 'bob')).not.toEqual([])
})
