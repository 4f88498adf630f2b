import { createClient, MINUTE_MS } from '@damson/core'
import { fakeTimers, type Fault } from '@damson/core/testing'
import { createTestServer } from '@damson/server/testing'
import { expect, test } from 'vitest'
import { faultyNetwork } from './faulty-network.ts'

const EVENTS = 50_000
const USERS = 500

async function outage(fault: Exclude<Fault, object>, seed: number) {
  const world = await createTestServer()
  const timers = fakeTimers(world.clock)
  const startedAt = world.clock.now()
  let isDown = true
  const attempts: number[] = []
  const network = faultyNetwork(world.fetch, () => (isDown ? fault : null))
  const client = createClient({
    appId: 'app_test',
    clientKey: 'prod_test',
    fetch(request) {
      if (isDown) attempts.push((world.clock.now() - startedAt) / 1000)
      return network(request)
    },
    clock: world.clock,
    timers,
    random: randomFrom(seed),
  })
  return { world, timers, client, attempts, heal: () => void (isDown = false) }
}

/** The same numbers each time: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

test.each([['networkError'], [503]] as const)(
  'ten minutes without a server (%s) and 50,000 events: all arrive once, in the order of each user',
  async (fault) => {
    const { world, timers, client, attempts, heal } = await outage(fault, 1)
    const heapBefore = process.memoryUsage().heapUsed
    for (let index = 0; index < EVENTS; index += 1) {
      await client.for({ userId: `user${index % USERS}` }).track('Tick', { index })
      if (index % 500 === 0) await timers.advance((10 * MINUTE_MS) / 100)
    }
    const heapPerEvent = (process.memoryUsage().heapUsed - heapBefore) / EVENTS
    expect(client.stats()).toMatchObject({ sent: 0, dropped: {}, circuit: expect.stringMatching(/open|probing/) })
    // A request for each event, or for each batch of 500 every second, would be 50,000 or 60,000 of them.
    expect(attempts.length).toBeLessThan(150)
    expect(heapPerEvent).toBeLessThan(2_000)

    heal()
    const flushed = client.flush({ timeoutMs: 10 * MINUTE_MS })
    await timers.advance(MINUTE_MS)
    expect(await flushed).toMatchObject({ dropped: 0, pending: 0 })
    expect(client.stats()).toMatchObject({ pending: 0, dropped: {} })
    let counted = 0
    for (let user = 0; user < USERS; user += 1) {
      const entries = await world.entries('app_test', `user${user}`)
      const indices = entries.flatMap((entry) => (entry.kind === 'event' ? [Number(entry.params?.['index'])] : []))
      expect(indices).toEqual(Array.from({ length: EVENTS / USERS }, (_, nth) => nth * USERS + user))
      counted += indices.length
    }
    expect(counted).toBe(EVENTS)
    await world.close()
  },
  120_000,
)

test('the retries of many clients spread: they do not come back together', async () => {
  const worlds = await Promise.all(Array.from({ length: 50 }, (_, seed) => outage(503, seed)))
  for (const { client, timers } of worlds) {
    await client.for({ userId: 'ada' }).track('Tick', {}, { urgent: true })
    await timers.advance(5 * MINUTE_MS)
  }
  const perSecond = new Map<number, number>()
  for (const { attempts } of worlds) {
    // All of them began in the same instant; after a minute each is at the ceiling.
    for (const second of attempts.map(Math.floor).filter((each) => each >= 60)) {
      perSecond.set(second, (perSecond.get(second) ?? 0) + 1)
    }
  }
  expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(10)
  // Full jitter: however long it lasts, half the ceiling of thirty seconds on average.
  const perClient = worlds.map(({ attempts }) => attempts.length)
  expect(Math.max(...perClient)).toBeLessThan(60)
  expect(Math.min(...perClient)).toBeGreaterThan(10)
  await Promise.all(worlds.map(({ world }) => world.close()))
}, 60_000)
