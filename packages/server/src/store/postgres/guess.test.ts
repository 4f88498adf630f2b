import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { counting, device, historyOf, look, profileOf, user, writing } from '../../conformance/turns.ts'
import { memoryStore } from '../memory.ts'
import type { ProfileRef, Store } from '../store.ts'
import { pgPool } from './pg-pool.ts'
import { postgresStore } from './postgres-store.ts'
import {
  ask,
  createCitusDatabase,
  createDatabase,
  EMPTY,
  findCitus,
  findPostgres,
  migrateDatabase,
  type TestDatabase,
} from './testing.ts'
import type { Width } from './statements.ts'

const RUNS = Number(process.env.DAMSON_GUESS_RUNS ?? 25)
const USERS = ['ann', 'bob']
const DEVICES = ['d1', 'd2']
const POOL = { connections: 2, connectTimeoutMs: 5_000, queryTimeoutMs: 60_000, settings: 'SELECT 1' }

const server = await findPostgres()
const citus = findCitus()
let database: TestDatabase

/** One thing that a node does; each is answered before the next is done. */
const step = fc.record({
  node: fc.nat({ max: 1 }),
  does: fc.constantFrom('count', 'count', 'count', 'look', 'say', 'say', 'join', 'remove', 'erase', 'give'),
  user: fc.constantFrom(...USERS),
  device: fc.constantFrom(null, null, ...DEVICES),
  key: fc.constantFrom('m1', 'm2'),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function refOf({ user: userId, device: deviceId }: Step): ProfileRef {
  return deviceId === null ? user(userId) : user(userId, { deviceId })
}

function perform(store: Store, one: Step, at: number): Promise<unknown> {
  const ref = refOf(one)
  const { does, user: userId } = one
  // Each user's own: of two that are joined, which answer to the same id is kept is nobody's promise.
  const key = `${userId} ${one.key}`
  switch (does) {
    case 'count':
      return store.transact(ref, counting(userId, does))
    case 'look':
      return look(store, ref)
    case 'say':
      return store.transact({ ...ref, needsSeen: true, seenKeys: [key] }, (loaded) => {
        const before = loaded.seen(key)
        if (before !== undefined) return { answer: before }
        const seen = [{ key, answer: `to ${userId}`, at }]
        return { ...counting(userId, key)(loaded), answer: 'first', seen }
      })
    case 'give': {
      const deviceId = one.device ?? 'd1'
      const devices = { [deviceId]: 'subject' as const }
      return store.transact(user(userId, { deviceId }), ({ subject }) => {
        const before = subject ?? profileOf(userId)
        return writing({ ...before, devices: { ...before.devices, [deviceId]: {} } }, { devices })()
      })
    }
    case 'join': {
      const otherUserId = userId === 'ann' ? 'bob' : 'ann'
      return store.transact<unknown>(user(userId, { otherUserId }), ({ subject, other }) => {
        if (subject === null || other === null) return { answer: 'nobody' }
        const eventCount = subject.eventCount + other.eventCount
        return {
          answer: eventCount,
          subject: { profile: null, wakeAt: null, history: 'move' },
          other: { profile: { ...other, eventCount, devices: { ...other.devices, ...subject.devices } }, wakeAt: null },
        }
      })
    }
    case 'remove':
    case 'erase':
      return store.transact(user(userId), ({ subject }) => {
        if (subject === null) return { answer: 'nobody' }
        const history = does === 'erase' ? 'erase' : 'keep'
        return { answer: does, subject: { profile: null, wakeAt: null, history } }
      })
  }
}

async function stateOf(store: Store): Promise<unknown> {
  const state: unknown[] = []
  // Where two histories were joined, each store has its own order.
  for (const id of USERS) state.push(await look(store, user(id), `${id} m1`), (await historyOf(store, id)).toSorted())
  for (const id of DEVICES) state.push(await look(store, device(id), 'ann m2'))
  return state
}

function openNodes(count: number, width: Width): Promise<Store[]> {
  const clocks = [0, 600_000, -600_000].map((skew) => ({ now: () => Date.now() + skew }))
  return Promise.all(
    Array.from({ length: count }, (_, node) => postgresStore({ url: database.url, width, clock: clocks[node]! })),
  )
}

describe.skipIf(server === null).each(['any', 'bucket'] as const)('rows that are remembered, width %s', (width) => {
  suite(width, async () => {
    database = await createDatabase(server ?? '', 'guess')
    await migrateDatabase(database.url)
  })
})

describe.skipIf(citus === null)('rows that are remembered, on Citus', () => {
  suite('bucket', async () => {
    database = await createCitusDatabase(citus ?? '', 'guess')
    await migrateDatabase(database.url, true)
  })
})

function suite(width: Width, open: () => Promise<void>): void {
  beforeAll(open, 60_000)
  afterAll(() => database.drop())

  test('two nodes that act in turn answer as one store in memory does', { timeout: 300_000 }, async () => {
    const nodes = await openNodes(2, width)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        await ask(database.url, EMPTY)
        const memory = memoryStore()
        for (const [at, one] of steps.entries())
          expect(await perform(nodes[one.node]!, one, at)).toEqual(await perform(memory, one, at))
        for (const node of nodes) expect(await stateOf(node)).toEqual(await stateOf(memory))
      }),
      { numRuns: RUNS },
    )
    await Promise.all(nodes.map((node) => node.close()))
  })

  test(
    'what three nodes do to the same users at once all counts, each message once',
    { timeout: 300_000 },
    async () => {
      await ask(database.url, EMPTY)
      const nodes = await openNodes(3, width)
      const users = ['u1', 'u2', 'u3', 'u4', 'u5']
      const counts = new Map(users.map((id) => [id, [] as number[]]))
      const firsts: string[] = []
      const jobs = Array.from({ length: 300 }, (_, n) => async () => {
        const id = users[n % users.length]!
        counts.get(id)!.push(await nodes[n % 3]!.transact(user(id), counting(id, `${n}`)))
        const key = `m${n % 20}`
        const told = await nodes[(n * 7) % 3]!.transact(user(id, { needsSeen: true, seenKeys: [key] }), (loaded) =>
          loaded.seen(key) !== undefined
            ? { answer: 'again' }
            : {
                ...counting(id, key)(loaded),
                answer: 'first',
                seen: [{ key, answer: 'again', at: Date.now() }],
              },
        )
        if (told === 'first') firsts.push(`${id} ${key}`)
      })
      await Promise.all(jobs.map((job) => job()))
      expect(firsts.toSorted()).toEqual([...new Set(firsts)].toSorted())
      for (const id of users) {
        const said = firsts.filter((first) => first.startsWith(`${id} `)).length
        expect(said).toBe(4)
        expect(new Set(counts.get(id)).size).toBe(60)
        expect(await historyOf(nodes[0]!, id)).toHaveLength(60 + said)
        for (const node of nodes) expect((await look(node, user(id))).subject?.eventCount).toBe(60 + said)
      }
      await Promise.all(nodes.map((node) => node.close()))
    },
  )

  test('a message id that was answered is known, whoever remembers the profile and whoever answered', async () => {
    await ask(database.url, EMPTY)
    const [one, two] = await openNodes(2, width)
    const say = (node: Store | undefined, key: string) =>
      node!.transact(user('ann', { needsSeen: true, seenKeys: [key] }), (loaded) => {
        const before = loaded.seen(key)
        if (before !== undefined) return { answer: before }
        return { ...counting('ann', key)(loaded), answer: 'first', seen: [{ key, answer: 'again', at: Date.now() }] }
      })
    expect(await say(one, 'm0')).toBe('first')
    expect(await say(one, 'm1')).toBe('first')
    expect(await say(one, 'm1')).toBe('again')
    expect(await say(two, 'm1')).toBe('again')
    expect(await say(two, 'm2')).toBe('first')
    expect(await say(one, 'm2')).toBe('again')
    expect(await Promise.all([say(one, 'm3'), say(one, 'm3'), say(one, 'm4')])).toEqual(['first', 'again', 'first'])
    // Whoever is erased and comes back is remembered anew, and late retries are known still.
    await one!.transact(user('ann'), () => ({
      answer: null,
      subject: { profile: null, wakeAt: null, history: 'erase' },
    }))
    expect(await say(one, 'm5')).toBe('first')
    expect(await say(one, 'm6')).toBe('first')
    expect(await say(one, 'm4')).toBe('')
    expect(await say(two, 'm3')).toBe('')
    expect(await historyOf(one!, 'ann')).toHaveLength(2)
    await Promise.all([one!.close(), two!.close()])
  })

  test('a row that was written without news of its version, as older nodes do, is not the one remembered', async () => {
    await ask(database.url, EMPTY)
    const [node] = await openNodes(1, width)
    for (let n = 0; n < 3; n += 1) await node!.transact(user('ann'), counting('ann'))
    await ask(database.url, `UPDATE profiles SET doc = replace(doc, '"eventCount":3', '"eventCount":40')`)
    expect(await node!.transact(user('ann'), counting('ann'))).toBe(41)
    await ask(database.url, `UPDATE profiles SET doc = replace(doc, '"eventCount":41', '"eventCount":50')`)
    expect((await look(node!, user('ann'))).subject?.eventCount).toBe(50)
    await node!.close()
  })

  test('a turn that others always outrun locks its row in the end', async () => {
    await ask(database.url, EMPTY)
    const pool = await pgPool({ url: database.url, ...POOL })
    let isOutrun = false
    const outrun = async () => {
      // In front of each transaction, so between what is read and what is written.
      if (isOutrun) await ask(database.url, 'UPDATE profiles SET tail = tail + 1')
      return pool.connect()
    }
    const node = await postgresStore({ url: { connect: outrun, end: pool.end }, width })
    await node.transact(user('ann'), counting('ann'))
    isOutrun = true
    let plays = 0
    const answer = await node.transact(user('ann'), (loaded) => {
      plays += 1
      return counting('ann')(loaded)
    })
    isOutrun = false
    expect([answer, plays]).toEqual([2, 3])
    expect((await look(node, user('ann'))).subject?.eventCount).toBe(2)
    await node.close()
  })
}
