import { expect, test } from 'vitest'
import { clientWorld } from './client-world.ts'

test('a flush covers what was queued before it and what is in flight, not what comes after', async () => {
  const { client, ada, server } = clientWorld()
  await ada.track('before', {}, { urgent: true })
  const first = client.flush()
  await ada.track('second')
  const second = client.flush()
  await ada.track('third')
  expect(await first).toEqual({ sent: 1, dropped: 0, pending: 0 })
  expect((await second).sent).toBeGreaterThanOrEqual(1)
  expect(await client.flush()).toMatchObject({ dropped: 0, pending: 0 })
  expect(server.taken).toHaveLength(3)
})

test('many overlapping flushes send nothing twice', async () => {
  const { client, ada, server } = clientWorld()
  const flushes = Array.from({ length: 50 }, async (_, index) => {
    await ada.track(`e${index}`)
    return client.flush()
  })
  for (const report of await Promise.all(flushes)) expect(report).toMatchObject({ dropped: 0, pending: 0 })
  expect(server.requests.flatMap(({ actions }) => actions)).toHaveLength(50)
})

test('a flush of nothing resolves at once', async () => {
  const { client } = clientWorld()
  expect(await client.flush()).toEqual({ sent: 0, dropped: 0, pending: 0 })
})

test('a flush does not wait for a retry that cannot come in time', async () => {
  const { client, ada, server, clock } = clientWorld()
  server.fail({ status: 503, retryAfter: '60' })
  await ada.track('e')
  const startedAt = clock.now()
  expect(await client.flush({ timeoutMs: 10_000 })).toEqual({ sent: 0, dropped: 0, pending: 1 })
  expect(clock.now()).toBe(startedAt)
})

test('close sends the rest, then refuses, and is the same promise every time', async () => {
  const { client, ada, taken, dropped, timers } = clientWorld()
  await ada.track('last')
  const closing = client.close()
  expect(client.close()).toBe(closing)
  expect(await closing).toEqual({ sent: 1, dropped: 0, pending: 0 })
  await ada.track('too late')
  expect(taken()).toEqual(['last'])
  expect(dropped).toMatchObject([{ name: 'too late', reason: 'closed' }])
  expect(timers.pending()).toBe(0)
})

test('close with a dead server says what was lost, and never rejects', async () => {
  const { client, ada, server, dropped, timers } = clientWorld()
  server.failAlways('networkError')
  for (const name of ['a', 'b']) await ada.track(name)
  const closing = client.close({ timeoutMs: 3_000 })
  await timers.advance(3_000)
  expect(await closing).toEqual({ sent: 0, dropped: 2, pending: 0 })
  expect(dropped.map(({ name, reason }) => [name, reason])).toEqual([
    ['a', 'closed'],
    ['b', 'closed'],
  ])
  expect(await client.flush()).toEqual({ sent: 0, dropped: 0, pending: 0 })
})

test('close gives up a request that hangs, and flushes that wait for it', async () => {
  const { client, timers, dropped } = clientWorld({ fetch: () => new Promise<Response>(() => undefined) })
  await client.for({ userId: 'ada' }).track('e')
  const flushed = client.flush({ timeoutMs: 60_000 })
  const closing = client.close({ timeoutMs: 1_000 })
  await timers.advance(1_000)
  expect(await closing).toEqual({ sent: 0, dropped: 1, pending: 0 })
  expect(await flushed).toEqual({ sent: 0, dropped: 0, pending: 1 })
  expect(dropped).toMatchObject([{ reason: 'closed' }])
})

test('waitUntil is given one promise per busy period, which resolves when all has arrived', async () => {
  const work: Promise<unknown>[] = []
  const { ada, taken, timers } = clientWorld({ waitUntil: (promise) => void work.push(promise) })
  for (const name of ['a', 'b', 'c']) await ada.track(name)
  expect(work).toHaveLength(1)
  await timers.advance(50)
  await work[0]
  expect(taken()).toEqual(['a', 'b', 'c'])
  await ada.track('d')
  expect(work).toHaveLength(2)
})

test('a tracker may bring the waitUntil of its own request', async () => {
  const { client, taken, timers } = clientWorld()
  const work: Promise<unknown>[] = []
  await client.for({ userId: 'ada' }, { waitUntil: (promise) => void work.push(promise) }).track('e')
  await timers.advance(50)
  await Promise.all(work)
  expect(taken()).toEqual(['e'])
})

test("send: 'now' resolves once the server has answered", async () => {
  const { ada, taken } = clientWorld({ send: 'now' })
  await ada.track('e')
  expect(taken()).toEqual(['e'])
})
