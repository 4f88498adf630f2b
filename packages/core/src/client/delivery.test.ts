import { expect, onTestFinished, test, vi } from 'vitest'
import { HOUR_MS } from '../clock.ts'
import { createClient } from './client.ts'
import { clientWorld } from './client-world.ts'

test('track resolves before anything is sent, and flush delivers it in one multi', async () => {
  const { client, ada, server, clock } = clientWorld()
  await ada.track('Opened')
  await ada.track('Purchase', { item: 'tea' }, { value: 3.5, currencyCode: 'EUR' })
  expect(server.requests).toHaveLength(0)
  expect(await client.flush()).toEqual({ sent: 2, dropped: 0, pending: 0 })
  const time = clock.now() / 1000
  expect(server.requests).toHaveLength(1)
  expect(server.requests[0]!.outer).toEqual({
    action: 'multi',
    exactTime: true,
    appId: 'app_1',
    clientKey: 'prod_1',
    time,
  })
  expect(server.requests[0]!.actions[1]).toEqual({
    action: 'track',
    userId: 'ada',
    time,
    reqId: expect.stringMatching(/^[0-9a-z]+-2$/),
    uuid: expect.stringMatching(/^[0-9a-z]+$/),
    event: 'Purchase',
    params: { item: 'tea' },
    value: 3.5,
    currencyCode: 'EUR',
  })
})

test('arguments of a caller who passes on what they were given cannot say whose it is, or what', async () => {
  const { client, server } = clientWorld()
  const given = { userId: 'eve', time: 1, params: { a: 1 }, state: 's', event: 'e', action: 'stop' } as object
  const phone = client.for({ deviceId: 'phone' })
  void phone.start(given)
  void phone.track('Opened', undefined, given)
  await client.flush()
  const [start, track] = server.taken
  expect(Object.keys(start!)).toEqual(['action', 'deviceId', 'time', 'reqId', 'uuid'])
  expect(track).toMatchObject({ action: 'track', deviceId: 'phone', event: 'Opened' })
  expect(Object.keys(track!)).toEqual(['action', 'deviceId', 'time', 'reqId', 'uuid', 'event'])
})

test('a lone action waits for company no longer than the interval', async () => {
  const { ada, timers, taken } = clientWorld({ flushIntervalMs: 5_000 })
  await ada.track('Opened')
  await timers.advance(4_999)
  expect(taken()).toEqual([])
  await timers.advance(1)
  expect(taken()).toEqual(['Opened'])
})

test('a full batch goes at once, and so does an urgent action', async () => {
  const { ada, timers, taken } = clientWorld({ flushAt: 3 })
  for (const name of ['a', 'b', 'c']) await ada.track(name)
  await timers.settle()
  expect(taken()).toEqual(['a', 'b', 'c'])
  await ada.track('now', {}, { urgent: true })
  await timers.settle()
  expect(taken()).toEqual(['a', 'b', 'c', 'now'])
})

test('so many bytes make a batch as well', async () => {
  const { ada, timers, taken } = clientWorld({ flushBytes: 1_000 })
  await ada.track('small')
  await timers.settle()
  expect(taken()).toEqual([])
  await ada.track('large', { text: 'x'.repeat(900) })
  await timers.settle()
  expect(taken()).toEqual(['small', 'large'])
})

test('a request stays within 500 actions and 50 users', async () => {
  const { client, server } = clientWorld({ flushAt: 10_000 })
  for (let index = 0; index < 1_200; index += 1) await client.for({ userId: `user ${index % 120}` }).track('e')
  expect(await client.flush()).toEqual({ sent: 1_200, dropped: 0, pending: 0 })
  for (const { actions } of server.requests) {
    expect(actions.length).toBeLessThanOrEqual(500)
    expect(new Set(actions.map((action) => action['userId'])).size).toBeLessThanOrEqual(50)
  }
  expect(server.requests).toHaveLength(3)
})

test('a failed request is sent again with the same ids and a later send time', async () => {
  const { client, ada, server, timers, clock } = clientWorld()
  server.fail('answerLost', 503)
  await ada.track('Purchase')
  const tracked = clock.now() / 1000
  const flushed = client.flush()
  await timers.advance(5_000)
  expect(await flushed).toEqual({ sent: 1, dropped: 0, pending: 0 })
  expect(server.requests).toHaveLength(3)
  expect(new Set(server.requests.map(({ actions }) => actions[0]!['reqId'])).size).toBe(1)
  expect(new Set(server.requests.map(({ actions }) => actions[0]!['uuid'])).size).toBe(1)
  expect(server.requests.map(({ actions }) => actions[0]!['time'])).toEqual([tracked, tracked, tracked])
  expect(Number(server.requests[2]!.outer['time'])).toBeGreaterThan(tracked)
  expect(server.taken).toHaveLength(1)
})

test('Retry-After is obeyed, in seconds and as a date', async () => {
  const { client, ada, server, timers, clock } = clientWorld()
  server.fail(
    { status: 429, retryAfter: '7' },
    { status: 503, retryAfter: new Date(clock.now() + 60_000).toUTCString() },
  )
  await ada.track('e')
  await client.flush({ timeoutMs: 1 })
  await timers.advance(6_999)
  expect(server.requests).toHaveLength(1)
  await timers.advance(1)
  expect(server.requests).toHaveLength(2)
  await timers.advance(52_999)
  expect(server.requests).toHaveLength(2)
  await timers.advance(1)
  expect(server.taken).toHaveLength(1)
})

test('other statuses are not retried: the action is dropped and reported', async () => {
  const { client, ada, server, dropped } = clientWorld()
  server.fail({ status: 451, error: 'Unavailable For Legal Reasons' })
  await ada.track('e')
  expect(await client.flush()).toEqual({ sent: 0, dropped: 1, pending: 0 })
  expect(dropped).toEqual([
    {
      action: 'track',
      userId: 'ada',
      deviceId: undefined,
      name: 'e',
      reason: 'refused',
      detail: 'Unavailable For Legal Reasons',
    },
  ])
  expect(client.stats().dropped).toEqual({ refused: 1 })
})

test('a wrong key is not tried again piece by piece', async () => {
  const { client, ada, server } = clientWorld()
  server.failAlways({ status: 403, error: 'Invalid access key' })
  for (const name of ['a', 'b', 'c', 'd']) await ada.track(name)
  expect(await client.flush()).toEqual({ sent: 0, dropped: 4, pending: 0 })
  expect(server.requests).toHaveLength(1)
})

test('a refused element is dropped, and those beside it arrive', async () => {
  const { client, ada, server, dropped } = clientWorld()
  server.answer((action) =>
    action['event'] === 'bad' ? { success: false, error: { message: "'event' is invalid." } } : null,
  )
  for (const name of ['a', 'bad', 'b']) await ada.track(name)
  expect(await client.flush()).toEqual({ sent: 2, dropped: 1, pending: 0 })
  expect(dropped.map(({ name, reason }) => [name, reason])).toEqual([['bad', 'refused']])
})

test('an element that was only too busy is sent again', async () => {
  const { client, ada, server, timers } = clientWorld()
  let busy = true
  server.answer(() => {
    const error = { message: 'Request failed due to concurrent requests to the same profile ID' }
    return busy ? { success: false, error } : null
  })
  await ada.track('e')
  await client.flush({ timeoutMs: 1 })
  expect(client.stats()).toMatchObject({ sent: 0, pending: 1 })
  busy = false
  await timers.advance(1_000)
  expect(client.stats()).toMatchObject({ sent: 1, pending: 0, dropped: {} })
})

/** A server that cannot stand one event. */
function allergicTo(event: string, status: number, { server }: ReturnType<typeof clientWorld>) {
  return async (request: Request) => {
    const body = (await request.clone().json()) as { data: { event: string }[] }
    return body.data.some((action) => action.event === event) ? new Response(null, { status }) : server(request)
  }
}

test.each([413, 400])('%i splits the request until one action stands alone', async (status) => {
  const inner = clientWorld()
  const { client, timers, dropped } = clientWorld({ fetch: allergicTo('bad', status, inner) })
  const ada = client.for({ userId: 'ada' })
  for (let index = 0; index < 40; index += 1) await ada.track(index === 23 ? 'bad' : `e${index}`)
  const flushed = client.flush()
  await timers.advance(1_000)
  expect(await flushed).toEqual({ sent: 39, dropped: 1, pending: 0 })
  expect(dropped.map(({ name }) => name)).toEqual(['bad'])
  const order = inner.taken().map((name) => Number(String(name).slice(1)))
  expect(order).toEqual([...order].sort((a, b) => a - b))
})

test('users come and go by the thousand; who has to wait meanwhile is neither forgotten nor overtaken', async () => {
  const { client, server, timers } = clientWorld()
  const refused = new Set<unknown>()
  server.answer(({ userId }) => {
    if (Number(userId) % 100 !== 0 || refused.has(userId)) return null
    refused.add(userId)
    return { success: false, error: { message: 'Too many concurrent requests' } }
  })
  for (const name of ['first', 'second']) {
    for (let user = 0; user < 6_000; user += 1) void client.for({ userId: `${user}` }).track(name)
    await timers.settle()
  }
  await timers.advance(HOUR_MS)
  expect(client.stats()).toMatchObject({ sent: 12_000, pending: 0, dropped: {} })
  const sent = server.requests.flatMap(({ actions }) => actions)
  const ofRefused = sent.filter(({ userId }) => refused.has(userId))
  for (const userId of refused)
    expect(ofRefused.filter((action) => action['userId'] === userId).map(({ event }) => event)).toEqual([
      'first',
      'first',
      'second',
    ])
})

test('an action that breaks the server holds up nobody, and is kept', async () => {
  const inner = clientWorld()
  const { client, timers, dropped } = clientWorld({ fetch: allergicTo('bad', 500, inner) })
  for (let index = 0; index < 30; index += 1) {
    const user = client.for({ userId: `user ${index % 3}` })
    await user.track(index === 10 ? 'bad' : `e${index}`)
  }
  const flushed = client.flush({ timeoutMs: 600_000 })
  await timers.advance(600_000)
  expect(await flushed).toEqual({ sent: 29, dropped: 0, pending: 1 })
  expect(dropped).toEqual([])
  expect(inner.taken()).toHaveLength(29)
})

test('what JSON cannot hold is dropped alone', async () => {
  const { client, ada, dropped } = clientWorld()
  await ada.track('fine')
  await ada.track('odd', { big: 1n as unknown as number })
  expect(await client.flush()).toEqual({ sent: 1, dropped: 1, pending: 0 })
  expect(dropped[0]).toMatchObject({ name: 'odd', reason: 'unserializable' })
})

test('an answer that is no envelope counts as none', async () => {
  let captive = true
  const world = clientWorld()
  const { client, timers } = clientWorld({
    fetch: (request) => (captive ? new Response('<html>Sign in</html>') : world.server(request)),
  })
  await client.for({ userId: 'ada' }).track('e')
  expect(await client.flush({ timeoutMs: 1 })).toEqual({ sent: 0, dropped: 0, pending: 1 })
  captive = false
  await timers.advance(1_000)
  expect(world.taken()).toEqual(['e'])
})

test('a request without an answer is given up after its time', async () => {
  const { client, timers } = clientWorld({
    fetch: () => new Promise<Response>(() => undefined),
    requestTimeoutMs: 3_000,
  })
  await client.for({ userId: 'ada' }).track('e')
  const flushed = client.flush({ timeoutMs: 2_999 })
  await timers.advance(2_999)
  expect(await flushed).toEqual({ sent: 0, dropped: 0, pending: 1 })
  expect(client.stats()).toMatchObject({ inFlight: 1 })
  await timers.advance(1)
  expect(client.stats()).toMatchObject({ inFlight: 0, retried: 1 })
})

test('what has been tried for a day is dropped: the server may have forgotten its id', async () => {
  const backoff = { firstMs: HOUR_MS, ceilingMs: HOUR_MS }
  const { client, ada, server, timers, dropped } = clientWorld({ backoff })
  server.failAlways(503)
  await ada.track('old')
  await timers.advance(25 * HOUR_MS)
  expect(dropped.map(({ name, reason }) => [name, reason])).toEqual([['old', 'expired']])
  expect(client.stats().pending).toBe(0)
})

test('an action that is due behind a request under way waits for it, and rings no alarm meanwhile', async () => {
  let answer: (response: Response) => void = () => undefined
  const held = new Promise<Response>((resolve) => (answer = resolve))
  const world = clientWorld()
  let calls = 0
  const { client, timers } = clientWorld({
    fetch: (request) => ((calls += 1) === 1 ? held : world.server(request)),
    requestTimeoutMs: 60_000,
  })
  const ada = client.for({ userId: 'ada' })
  await ada.track('first', {}, { urgent: true })
  await timers.settle()
  await ada.track('second')
  await timers.advance(30_000)
  expect(calls).toBe(1)
  answer(Response.json({ response: [{ success: true }] }))
  await timers.settle()
  expect(world.taken()).toEqual(['second'])
})

test('an element that breaks the server each time does not slow down the rest of its profile', async () => {
  const { client, ada, server, timers, taken } = clientWorld()
  server.answer((action) =>
    action['event'] === 'bad'
      ? { success: false, error: { message: "Internal error; the server's log has it." } }
      : null,
  )
  await ada.track('bad')
  await client.flush({ timeoutMs: 1 })
  await timers.advance(60_000)
  expect(client.stats()).toMatchObject({ pending: 1, dropped: {} })
  const before = server.requests.length
  await ada.track('good', {}, { urgent: true })
  await timers.settle()
  expect(server.requests.slice(before).map(({ actions }) => actions.map((action) => action['event']))).toEqual([
    ['good'],
  ])
  expect(taken()).toContain('good')
})

test('the platform is asked with an address and the parts of a request, which it makes one of, and not two', async () => {
  const asked: unknown[][] = []
  const answering = async (...parts: unknown[]) => {
    asked.push(parts)
    return Response.json({ response: [{ success: true }, { success: true }] })
  }
  vi.stubGlobal('fetch', answering)
  onTestFinished(() => void vi.unstubAllGlobals())
  const client = createClient({ appId: 'a', clientKey: 'k', endpoint: 'https://stats.example/api' })
  void client.for({ userId: 'ada' }).track('Opened')
  expect(await client.close()).toMatchObject({ sent: 2 })
  expect(asked).toEqual([['https://stats.example/api', expect.objectContaining({ method: 'POST' })]])
})
