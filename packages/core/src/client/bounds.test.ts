import { expect, test } from 'vitest'
import { clientWorld } from './client-world.ts'

test('dropOldest keeps the newest, and reports each it drops', async () => {
  const { client, ada, dropped, taken } = clientWorld({ maxQueue: 3 })
  for (const name of ['a', 'b', 'c', 'd', 'e']) await ada.track(name)
  expect(dropped.map(({ name, reason }) => [name, reason])).toEqual([
    ['a', 'queueFull'],
    ['b', 'queueFull'],
  ])
  expect(await client.flush()).toEqual({ sent: 3, dropped: 0, pending: 0 })
  expect(taken()).toEqual(['c', 'd', 'e'])
})

test('dropNewest keeps the oldest', async () => {
  const { client, ada, taken } = clientWorld({ maxQueue: 2, overflow: 'dropNewest' })
  for (const name of ['a', 'b', 'c']) await ada.track(name)
  await client.flush()
  expect(taken()).toEqual(['a', 'b'])
  expect(client.stats()).toMatchObject({ accepted: 2, sent: 2, dropped: { queueFull: 1 } })
})

test('reject says so to whoever tracks', async () => {
  const { ada } = clientWorld({ maxQueue: 1, overflow: 'reject' })
  await ada.track('a')
  await expect(ada.track('b')).rejects.toMatchObject({ code: 'QUEUE_FULL', isRetryable: true })
})

test('wait resolves when there is room, and keeps the order', async () => {
  const { client, ada, taken, timers } = clientWorld({ maxQueue: 2, overflow: 'wait' })
  const accepted: string[] = []
  for (const name of ['a', 'b', 'c', 'd']) void ada.track(name).then(() => accepted.push(name))
  await timers.settle()
  expect(accepted).toEqual(['a', 'b'])
  while (client.stats().pending > 0) await client.flush()
  expect(accepted).toEqual(['a', 'b', 'c', 'd'])
  expect(taken()).toEqual(['a', 'b', 'c', 'd'])
})

test('bytes are bounded as well as numbers', async () => {
  const { client, ada } = clientWorld({ maxQueueBytes: 3_000, flushBytes: 1_000_000 })
  for (let index = 0; index < 10; index += 1) await ada.track(`e${index}`, { text: 'x'.repeat(800) })
  expect(client.stats()).toMatchObject({ pending: 3, dropped: { queueFull: 7 } })
})

test('what is in flight is not dropped for something newer', async () => {
  const { client, timers, dropped } = clientWorld({ maxQueue: 1, fetch: () => new Promise<Response>(() => undefined) })
  const ada = client.for({ userId: 'ada' })
  await ada.track('flying', {}, { urgent: true })
  await timers.settle()
  await ada.track('newer')
  expect(dropped).toMatchObject([{ name: 'newer', reason: 'queueFull' }])
})

test.each([
  [{ appId: '' }, 'needs appId'],
  [{ clientKey: '' }, 'needs clientKey'],
  [{ fetch: undefined }, 'needs endpoint or fetch'],
  [{ endpoint: 'stats.example.com' }, 'endpoint is no http address: stats.example.com'],
  [{ maxQueue: 0 }, 'maxQueue is 0'],
])('misuse is refused when the client is made: %o', (options, message) => {
  expect(() => clientWorld(options as never)).toThrow(message)
})

test('a tracker needs an id the server takes', () => {
  const { client } = clientWorld()
  expect(() => client.for({})).toThrow('needs userId or deviceId')
  expect(() => client.for({ userId: 'x'.repeat(401) })).toThrow('at most 400 characters, found 401')
})
