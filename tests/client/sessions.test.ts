import { createClient, HOUR_MS, MINUTE_MS } from '@damson/core'
import { fakeTimers } from '@damson/core/testing'
import { createTestServer, type TestServer } from '@damson/server/testing'
import { expect, test } from 'vitest'

function clientOf(world: TestServer) {
  const timers = fakeTimers(world.clock)
  return createClient({ appId: 'app_test', clientKey: 'prod_test', fetch: world.fetch, clock: world.clock, timers })
}

async function sessionsOf(world: TestServer, userId = 'ada') {
  const { totalSessions, timeSpentInApp } = await world.call('exportUser', { userId })
  return { totalSessions, timeSpentInApp }
}

test('processes that come and go, and two that take turns, are one session to the server', async () => {
  const world = await createTestServer()
  for (let minute = 0; minute < 10; minute += 1) {
    // Each is a process of its own: it knows nothing of the session, and does not cut it in two.
    const client = clientOf(world)
    await client.for({ userId: 'ada' }).track('Viewed')
    expect(await client.close()).toMatchObject({ dropped: 0, pending: 0 })
    world.clock.advance(MINUTE_MS)
  }
  await world.call('stop', { userId: 'ada' })
  expect(await sessionsOf(world)).toEqual({ totalSessions: 1, timeSpentInApp: 10 * 60 })
  await world.close()
})

test('ten minutes of heartbeats are ten minutes, and a pause is not counted', async () => {
  const world = await createTestServer()
  const client = clientOf(world)
  const ada = client.for({ userId: 'ada', deviceId: 'phone' })
  await ada.start({ systemName: 'iOS' })
  for (let minute = 0; minute < 180; minute += 1) {
    world.clock.advance(MINUTE_MS)
    await ada.heartbeat()
    await client.flush()
  }
  await ada.pauseSession()
  await client.flush()
  world.clock.advance(29 * MINUTE_MS)
  await ada.resumeSession()
  world.clock.advance(2 * MINUTE_MS)
  await ada.stop()
  await client.flush()
  expect(await sessionsOf(world)).toEqual({ totalSessions: 1, timeSpentInApp: 182 * 60 })
  // Three hours of presence needed one request in ninety minutes and not one a minute.
  expect(client.stats().sent).toBe(1 + 2 + 3)
  await world.close()
})

test('a mirror that was wrong is put right by the next answer', async () => {
  const world = await createTestServer()
  const client = clientOf(world)
  const ada = client.for({ userId: 'ada' })
  await ada.track('First')
  await client.flush()
  // Somebody else ends the session; the mirror cannot know.
  await world.call('stop', { userId: 'ada' })
  world.clock.advance(MINUTE_MS)
  await ada.track('Offline')
  await client.flush()
  world.clock.advance(MINUTE_MS)
  await ada.track('Second')
  await client.flush()
  expect(await sessionsOf(world)).toMatchObject({ totalSessions: 2 })
  const entries = await world.entries('app_test', 'ada')
  expect(entries.filter(({ kind }) => kind === 'offlineOpened')).toHaveLength(1)
  await world.close()
})

test('a session that timed out while nobody tracked is followed by a new one', async () => {
  const world = await createTestServer()
  const client = clientOf(world)
  const ada = client.for({ deviceId: 'phone' })
  await ada.track('First')
  await client.flush()
  world.clock.advance(3 * HOUR_MS)
  await ada.track('Second')
  await client.flush()
  expect(await world.call('exportUser', { deviceId: 'phone' })).toMatchObject({ totalSessions: 2 })
  await world.close()
})

test('what asks for something is answered after everything tracked before it', async () => {
  const world = await createTestServer()
  const client = clientOf(world)
  const ada = client.for({ userId: 'ada' })
  await ada.setUserAttributes({ plan: 'pro' })
  const answer = await ada.getVars({ includeDefaults: true })
  expect(answer).toMatchObject({ delivered: true, warning: null, vars: expect.any(Object) })
  expect(await world.call('exportUser', { userId: 'ada' })).toMatchObject({ userAttributes: { plan: 'pro' } })
  await world.close()
})
