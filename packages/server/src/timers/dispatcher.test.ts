import { DamsonError, MINUTE_MS, SECOND_MS } from '@damson/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { all } from '../conformance/turns.ts'
import type { Egress } from '../services/egress.ts'
import { memoryStore } from '../store/memory.ts'
import { localEgress, openReceiver } from '../testing/receiver.ts'
import { createTestServer, type TestServer } from '../testing/test-server.ts'
import { LEASE_MS } from './dispatcher.ts'

/** A call that waits for us to answer it. */
interface Call {
  readonly url: string
  answer(status: number): void
}

let world: TestServer
let calls: Call[]
let answerAtOnce: number | null
const egress: Egress = (url) =>
  new Promise((resolve) => {
    const answer = (status: number) => resolve(new Response(null, { status }))
    calls.push({ url, answer })
    if (answerAtOnce !== null) answer(answerAtOnce)
  })

beforeEach(async () => {
  calls = []
  answerAtOnce = 204
  world = await createTestServer({ egress })
})
afterEach(() => world.close())

async function add(postbackUrl: string, server = world): Promise<void> {
  await server.call('addPostback', { postbackUrl })
}

async function happen(times: number, server = world): Promise<void> {
  const one = (index: number) => server.call('track', { userId: `user ${index}`, messageId: index, event: 'Open' })
  await Promise.all(Array.from({ length: times }, (_, index) => one(index)))
}

const listed = (status: 'waiting' | 'failed') =>
  all(world.store.deliveries({ appId: 'app_test', kind: 'postback', status }))

/** Lets everything happen that needs no time. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
}

test('what was claimed ten times and never noted has failed: there is no eleventh call', async () => {
  await add('https://a.example/')
  await happen(1)
  for (let crash = 0; crash < 10; crash++) {
    const now = world.clock.now()
    expect(await world.store.claimDeliveries({ kinds: ['postback'], now, limit: 9, leaseMs: LEASE_MS })).toHaveLength(1)
    world.clock.advance(LEASE_MS)
  }
  expect(await world.dispatch()).toBe(0)
  expect(calls).toEqual([])
  expect(await listed('failed')).toMatchObject([{ note: 'the process ended during the last try' }])
})

test('what failed can be revived, and has ten tries again', async () => {
  answerAtOnce = 404
  await add('https://a.example/')
  await happen(1)
  expect(await world.dispatch()).toBe(1)
  const [failed] = await listed('failed')
  answerAtOnce = 204
  expect(await world.store.reviveDelivery('app_test', failed!.id, world.clock.now())).toBe(true)
  expect(await world.dispatch()).toBe(1)
  expect([...(await listed('failed')), ...(await listed('waiting'))]).toEqual([])
})

test('a deleted rule is not called any more, not even for what waits [P-12]', async () => {
  await add('https://a.example/')
  await add('https://b.example/')
  await happen(1)
  await world.call('deletePostback', { postbackId: 1 })
  await world.dispatch()
  expect(calls.map(({ url }) => url)).toEqual(['https://b.example/'])
  expect(await listed('waiting')).toEqual([])
})

test('a rule another process has just made is looked up, and its postbacks are not lost', async () => {
  const other = await createTestServer({ store: world.store, egress })
  await other.call('listPostbacks')
  await add('https://a.example/')
  await happen(1)
  expect(await other.dispatch()).toBe(1)
})

test('two processes send everything, and nothing twice', async () => {
  const other = await createTestServer({ store: world.store, egress })
  await add('https://a.example/?id={{Message ID}}')
  await happen(600)
  // What finds no place in the lane of the one destination is given back for a second.
  for (let second = 0; second < 5; second++) {
    await Promise.all([world.dispatch(), other.dispatch(), world.dispatch(), other.dispatch()])
    world.clock.advance(SECOND_MS)
  }
  expect(calls).toHaveLength(600)
  expect(new Set(calls.map(({ url }) => url)).size).toBe(600)
  expect([...(await listed('waiting')), ...(await listed('failed'))]).toEqual([])
})

test('what the way out refuses is final, and says why', async () => {
  const refusing = await createTestServer({
    egress: () => Promise.reject(new DamsonError('EGRESS_REFUSED', 'Expected a public destination.')),
    store: world.store,
  })
  await add('https://a.example/')
  await happen(1)
  await refusing.dispatch()
  expect(await listed('failed')).toMatchObject([{ attempt: 1, note: 'EGRESS_REFUSED' }])
})

describe('destinations', () => {
  test('have sixteen calls at a time each; one that hangs does not keep others waiting', async () => {
    answerAtOnce = null
    await add('https://slow.example/')
    await add('https://good.example/')
    await happen(100)
    const done = world.dispatch()
    await settled()
    const waitingAt = (host: string) => calls.filter(({ url }) => url.includes(host)).length
    expect([waitingAt('slow'), waitingAt('good')]).toEqual([16, 16])
    while (waitingAt('good') < 100) {
      for (const { url, answer } of calls) if (url.includes('good')) answer(204)
      await settled()
    }
    expect(waitingAt('slow')).toBe(16)
    answerAtOnce = 204
    for (const { answer } of calls) answer(204)
    await done
    expect([waitingAt('slow'), waitingAt('good')]).toEqual([100, 100])
    expect([...(await listed('waiting')), ...(await listed('failed'))]).toEqual([])
  })

  test('that are down are left alone, then asked with one call; what waits for them loses no try [P-13]', async () => {
    answerAtOnce = 503
    await add('https://down.example/')
    await happen(40)
    await world.dispatch()
    const first = calls.length
    expect(first).toBeLessThanOrEqual(5 + 15)
    expect(await world.dispatch()).toBe(0)
    world.clock.advance(MINUTE_MS)
    answerAtOnce = null
    const asking = world.dispatch()
    await settled()
    expect(calls).toHaveLength(first + 1)
    answerAtOnce = 204
    calls.at(-1)!.answer(204)
    await asking
    world.clock.advance(SECOND_MS)
    await world.dispatch()
    expect(calls).toHaveLength(40)
    expect((await listed('waiting')).every(({ attempt, note }) => attempt === 1 && note === 'answered 503')).toBe(true)
    expect(await listed('waiting')).toHaveLength(first)
  })
})

describe('a server that was started', () => {
  test('sends what it commits without being asked', async () => {
    let arrived = () => {}
    const arrival = new Promise<void>((resolve) => (arrived = resolve))
    const receiver = await openReceiver((response) => {
      response.writeHead(204).end()
      arrived()
    })
    const started = await createTestServer({ egress: localEgress() })
    await started.server.start()
    await add(`${receiver.origin}/`, started)
    await happen(1, started)
    await arrival
    await started.close()
    await receiver.close()
    expect(receiver.received).toHaveLength(1)
  })

  test('and is stopped gives back what it has not begun', async () => {
    answerAtOnce = null
    const store = { ...memoryStore(), close: async () => {} }
    const stopped = await createTestServer({ egress, store })
    await add('https://slow.example/', stopped)
    await happen(40, stopped)
    const done = stopped.dispatch()
    await settled()
    const closing = stopped.close()
    for (const { answer } of calls) answer(204)
    await Promise.all([closing, done])
    expect(calls).toHaveLength(16)
    const rest = await all(store.deliveries({ appId: 'app_test', kind: 'postback', status: 'waiting' }))
    expect(rest.map(({ attempt, dueAt }) => [attempt, dueAt])).toEqual(
      Array.from({ length: 24 }, () => [0, stopped.clock.now()]),
    )
  })
})
