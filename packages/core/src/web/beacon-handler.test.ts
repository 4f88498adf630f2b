import { expect, test } from 'vitest'
import { createClient } from '../client/client.ts'
import { MINUTE_MS } from '../clock.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { fakeTimers } from '../testing/fake-timers.ts'
import { recordingFetch } from '../testing/recording-fetch.ts'
import { createBeaconHandler, MAX_BEACON_BYTES, type BeaconRequest } from './beacon-handler.ts'
import { handOver } from './hand-over.ts'

const VISITOR = { deviceId: 'device-1', issuedAt: 0 }
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' }

function beacons(options: { allowEvents?: readonly string[] } = {}) {
  const clock = fakeClock()
  const server = recordingFetch()
  const timers = fakeTimers(clock)
  const client = createClient({ appId: 'a', clientKey: 'k', fetch: server, clock, timers })
  const errors: unknown[] = []
  const handle = createBeaconHandler({ client, clock, onError: (error) => errors.push(error), ...options })
  const send = async (message: unknown, request: Partial<BeaconRequest> = {}) => {
    const body = typeof message === 'string' ? message : JSON.stringify(message)
    const sent = { method: 'POST', headers: SAME_ORIGIN, body, visitor: VISITOR, userId: null, ...request }
    return (await handle(sent)).status
  }
  const actions = async () => {
    await client.flush()
    return server.taken.map((action) => action['action'])
  }
  return { client, clock, timers, server, errors, send, actions }
}

test('the messages of a page become the session calls they stand for', async () => {
  const { send, actions, clock, server, timers } = beacons()
  expect(await send({ type: 'resume' })).toBe(204)
  await send({ type: 'heartbeat' })
  clock.advance(MINUTE_MS)
  await send({ type: 'pause' })
  clock.advance(MINUTE_MS)
  await send({ type: 'resume' })
  // Another profile from here on: what is told of two may arrive in either order.
  await timers.settle()
  await send({ type: 'stop' }, { userId: 'ada' })
  expect(await actions()).toEqual(['resumeSession', 'pauseSession', 'resumeSession', 'stop'])
  expect(server.taken[0]).toMatchObject({ deviceId: 'device-1', createDisposition: 'CreateIfNeeded' })
  expect(server.taken[3]).toMatchObject({ deviceId: 'device-1', userId: 'ada' })
})

test('pause and resume are sent whatever this process believes: another may have been told of the last change', async () => {
  const { send, actions } = beacons()
  for (const type of ['pause', 'resume', 'resume', 'pause', 'pause']) await send({ type })
  expect(await actions()).toEqual(['pauseSession', 'resumeSession', 'resumeSession', 'pauseSession', 'pauseSession'])
})

test('what a page says is sent at once: the next message may come to another process', async () => {
  const { client, send, server, timers } = beacons()
  const messages = ['resume', 'pause', 'resume', 'stop'] as const
  for (const [index, type] of messages.entries()) {
    await send({ type })
    await timers.settle()
    expect(server.taken).toHaveLength(index + 1)
  }
  await handOver(client, VISITOR, 'ada')
  await timers.settle()
  expect(server.taken.at(-1)).toMatchObject({ action: 'setUserAttributes', newUserId: 'ada' })
})

test('a heartbeat of a session that another process may have paused resumes it', async () => {
  const { send, actions, clock } = beacons()
  await send({ type: 'resume' })
  clock.advance(MINUTE_MS)
  await send({ type: 'heartbeat' })
  expect(await actions()).toEqual(['resumeSession', 'resumeSession'])
})

test('a heartbeat of a paused session resumes it: the page is visible, so its resume was lost or overtaken', async () => {
  const { send, actions } = beacons()
  for (const type of ['resume', 'pause', 'heartbeat']) await send({ type })
  expect(await actions()).toEqual(['resumeSession', 'pauseSession', 'resumeSession'])
})

test('a page may say that it was hidden earlier, but not in the future and not days ago', async () => {
  const { send, actions, server, clock } = beacons()
  await send({ type: 'resume' })
  clock.advance(10 * MINUTE_MS)
  const then = clock.now() - 5 * MINUTE_MS
  await send({ type: 'pause', at: then })
  await send({ type: 'resume', at: clock.now() + MINUTE_MS })
  await send({ type: 'stop', at: 0 })
  await actions()
  const times = server.taken.slice(1).map((action) => Number(action['time']) * 1_000)
  expect(times).toEqual([then, clock.now(), clock.now()])
})

test('a page of another site is refused, and nothing happens', async () => {
  const { send, actions } = beacons()
  expect(await send({ type: 'stop' }, { headers: { 'sec-fetch-site': 'cross-site' } })).toBe(403)
  expect(await send({ type: 'stop' }, { headers: { origin: 'https://evil.test', host: 'shop.test' } })).toBe(403)
  expect(await send({ type: 'stop' }, { headers: {} })).toBe(403)
  expect(await actions()).toEqual([])
})

test('anything but a small POST of a known message is refused', async () => {
  const { send, actions } = beacons()
  expect(await send({ type: 'stop' }, { method: 'GET' })).toBe(405)
  const long = { type: 'stop', more: 'ä'.repeat(MAX_BEACON_BYTES / 2) }
  expect(await send(long)).toBe(413)
  for (const message of ['', '{', 'null', '[]', { type: 'deleteUser' }, { type: 'stop', at: 'now' }, { type: 'start' }])
    expect(await send(message)).toBe(400)
  expect(await actions()).toEqual([])
})

test('a page tracks only the events it was allowed', async () => {
  const closed = beacons()
  expect(await closed.send({ type: 'track', event: 'Video played' })).toBe(400)
  const { send, actions, server } = beacons({ allowEvents: ['Video played'] })
  expect(await send({ type: 'track', event: 'Purchase' })).toBe(400)
  expect(await send({ type: 'track', event: 'Video played', params: { deep: { er: 1 } } })).toBe(400)
  expect(await send({ type: 'track', event: 'Video played', params: { id: 7 } })).toBe(204)
  expect(await actions()).toEqual(['resumeSession', 'track'])
  expect(server.taken[1]).toMatchObject({ event: 'Video played', params: { id: 7 } })
})

test('the page cannot say who it is', async () => {
  const { send, actions, server } = beacons()
  await send({ type: 'resume', userId: 'someone else', deviceId: 'another' })
  await actions()
  expect(server.taken[0]).not.toHaveProperty('userId')
  expect(server.taken[0]).toMatchObject({ deviceId: 'device-1' })
})

test('nobody to tell it of is nothing wrong; an identity the client refuses goes to onError', async () => {
  const { send, actions, errors } = beacons()
  expect(await send({ type: 'resume' }, { visitor: null })).toBe(204)
  expect(errors).toEqual([])
  expect(await send({ type: 'resume' }, { userId: 'x'.repeat(5_000) })).toBe(204)
  expect(errors).toMatchObject([{ code: 'IDENTITY_INVALID' }])
  expect(await actions()).toEqual([])
})
