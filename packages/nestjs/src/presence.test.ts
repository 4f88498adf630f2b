import { createClient, HOUR_MS, MINUTE_MS } from '@damson/core'
import { fakeTimers } from '@damson/core/testing'
import { handOver } from '@damson/core/web'
import { createTestServer } from '@damson/server/testing'
import { expect, test } from 'vitest'
import { createPresences, type ConnectionOptions } from './presence.ts'

/** The real engine, one person, and connections that come and go. */
async function open(options: ConnectionOptions = {}) {
  const server = await createTestServer()
  const { clock } = server
  const timers = fakeTimers(clock)
  const errors: unknown[] = []
  const client = createClient({ appId: 'app_test', clientKey: 'prod_test', fetch: server.fetch, clock, timers })
  const tracker = client.for({ userId: 'ann' })
  const presences = createPresences((error) => void errors.push(error), { clock, timers })
  return {
    presences,
    client,
    tracker,
    errors,
    wait: (durationMs: number) => timers.advance(durationMs),
    join(connection: object) {
      void tracker.ensureSession()
      presences.join(connection, tracker, options)
    },
    /** How many minutes each session was active, once all is over. */
    async sessions() {
      await timers.advance(3 * HOUR_MS)
      await client.flush()
      await server.sweep()
      const entries = await server.entries('app_test', 'ann')
      return entries.flatMap((entry) => (entry.kind === 'sessionEnded' ? [entry.durationMs / MINUTE_MS] : []))
    },
  }
}

test('a connection that idles pauses after five minutes; the next message goes on', async () => {
  const world = await open()
  const connection = {}
  world.join(connection)
  await world.wait(20 * MINUTE_MS)
  void world.tracker.ensureSession()
  world.presences.touch(world.tracker)
  await world.wait(2 * MINUTE_MS)
  world.presences.leave(connection)
  expect(await world.sessions()).toEqual([7])
  expect(world.errors).toEqual([])
})

test('back within thirty minutes is the same session, after them it is another', async () => {
  const world = await open()
  for (const awayMs of [29 * MINUTE_MS, 31 * MINUTE_MS, 0]) {
    const connection = {}
    world.join(connection)
    await world.wait(2 * MINUTE_MS)
    world.presences.leave(connection)
    await world.wait(awayMs)
  }
  expect(await world.sessions()).toEqual([4, 2])
})

test('of several connections the last one that closes pauses, and only what came to any of them counts', async () => {
  const world = await open()
  const [one, other] = [{}, {}]
  world.join(one)
  await world.wait(3 * MINUTE_MS)
  world.join(other)
  await world.wait(MINUTE_MS)
  world.presences.leave(one)
  await world.wait(MINUTE_MS)
  world.presences.leave(other)
  world.presences.leave(other)
  expect(await world.sessions()).toEqual([5])
})

test('with onClose stop the session is over at once, and the next connection begins another', async () => {
  const world = await open({ onClose: 'stop' })
  for (let visit = 0; visit < 2; visit += 1) {
    const connection = {}
    world.join(connection)
    await world.wait(MINUTE_MS)
    world.presences.leave(connection)
    await world.wait(MINUTE_MS)
  }
  expect(await world.sessions()).toEqual([1, 1])
})

test('without idling, a connection that only listens for five hours is a session of five hours', async () => {
  const world = await open({ idleMs: null })
  const connection = {}
  world.join(connection)
  await world.wait(5 * HOUR_MS)
  world.presences.leave(connection)
  expect(await world.sessions()).toEqual([300])
})

test('whoever signs in while connected is one presence: the connection from before closes, and nothing pauses', async () => {
  const world = await open({ idleMs: null })
  const visitor = world.client.for({ deviceId: 'd-1' })
  const user = world.client.for({ userId: 'ann', deviceId: 'd-1' })
  const [before, after] = [{}, {}]
  void visitor.ensureSession()
  world.presences.join(before, visitor, { idleMs: null })
  await world.wait(MINUTE_MS)
  await handOver(world.client, { deviceId: 'd-1' }, 'ann')
  void user.ensureSession()
  world.presences.join(after, user, { idleMs: null })
  world.presences.leave(before)
  await world.wait(MINUTE_MS)
  world.presences.leave(after)
  expect(await world.sessions()).toEqual([2])
})

test('after close nothing is waited for any more', async () => {
  const world = await open()
  world.join({})
  await world.wait(MINUTE_MS)
  world.presences.close()
  expect(await world.sessions()).toEqual([0])
})
