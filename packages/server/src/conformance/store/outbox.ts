import { DAY_MS } from '@damson/core'
import { expect } from 'vitest'
import { FAILED_DELIVERY_DAYS, type Delivery, type NewDelivery } from '../../store/deliveries.ts'
import type { Store } from '../../store/store.ts'
import { all, APP, profileOf, user, writing } from '../turns.ts'
import type { Check } from './check.ts'

export function outboxTests(check: Check): void {
  check('a delivery is claimed when it is due, once per lease, and counted each time', async (store) => {
    await send(store, 'ann', [delivery('one', 10), delivery('two', 20)])
    expect(await claim(store, 9)).toEqual([])
    const [one] = await claim(store, 10)
    expect(one).toEqual({ ...delivery('one', 110), appId: APP, attempt: 1, failedAt: null, note: null })
    expect(idsOf(await claim(store, 109))).toEqual(['two'])
    expect(await claim(store, 110)).toMatchObject([{ id: 'one', attempt: 2 }])
  })

  check('only kinds that were asked for, earliest first, up to the limit', async (store) => {
    await send(store, 'ann', [delivery('c', 30), delivery('a', 10), { ...delivery('x', 5), kind: 'hook' }])
    await send(store, 'bob', [delivery('b', 20)])
    expect(idsOf(await claim(store, 100, 2))).toEqual(['a', 'b'])
    expect(idsOf(await claim(store, 100, 2))).toEqual(['c'])
    expect(idsOf(await claim(store, 100, 2, ['hook', 'none']))).toEqual(['x'])
  })

  check('what came of an attempt counts only while its lease is held', async (store) => {
    await send(store, 'ann', [delivery('one', 10)])
    await claim(store, 10)
    expect(await store.settleDelivery('one', 1, { type: 'again', dueAt: 50, note: 'busy' })).toBe(true)
    const [second] = await claim(store, 50)
    expect(second).toMatchObject({ attempt: 2, note: 'busy' })
    expect(await store.settleDelivery('one', 1, { type: 'done' })).toBe(false)
    expect(await store.settleDelivery('one', 2, { type: 'done' })).toBe(true)
    expect(await store.settleDelivery('one', 2, { type: 'done' })).toBe(false)
    expect(await claim(store, 10_000)).toEqual([])
  })

  check('what is given back was not tried, and comes again when it is due', async (store) => {
    await send(store, 'ann', [delivery('one', 10)])
    await claim(store, 10)
    expect(await store.settleDelivery('one', 1, { type: 'release', dueAt: 40 })).toBe(true)
    expect(await claim(store, 39)).toEqual([])
    expect(await claim(store, 40)).toMatchObject([{ attempt: 1, dueAt: 140, failedAt: null, note: null }])
    expect(await claim(store, 140)).toMatchObject([{ attempt: 2 }])
    expect(await store.settleDelivery('one', 1, { type: 'release', dueAt: 150 })).toBe(false)
  })

  check('what was given up is kept for a month, listed, and may be revived', async (store) => {
    await send(store, 'ann', [delivery('one', 10), delivery('two', 20), delivery('three', 30)])
    const claimed = await claim(store, 30)
    for (const { id, attempt } of claimed.slice(0, 2))
      await store.settleDelivery(id, attempt, { type: 'failed', at: id === 'one' ? 200 : 100, note: 'gone' })
    const listed = (status: 'waiting' | 'failed') => all(store.deliveries({ appId: APP, kind: 'postback', status }))
    expect(idsOf(await listed('failed'))).toEqual(['two', 'one'])
    expect(idsOf(await listed('waiting'))).toEqual(['three'])
    expect(await all(store.deliveries({ appId: 'app_2', kind: 'postback', status: 'failed' }))).toEqual([])
    expect(await claim(store, 100)).toEqual([])
    expect(await store.reviveDelivery('app_2', 'one', 300)).toBe(false)
    expect(await store.reviveDelivery(APP, 'three', 300)).toBe(false)
    expect(await store.reviveDelivery(APP, 'one', 300)).toBe(true)
    expect(await store.reviveDelivery(APP, 'one', 300)).toBe(false)
    await store.forget(101 + FAILED_DELIVERY_DAYS * DAY_MS)
    expect(await listed('failed')).toEqual([])
    expect(await claim(store, 300)).toMatchObject([
      { id: 'three', attempt: 2 },
      { id: 'one', attempt: 1, note: 'gone' },
    ])
  })

  check('thousands are listed and claimed, each once', async (store) => {
    const ids = Array.from({ length: 1_500 }, (_, index) => `d${index}`)
    await Promise.all(ids.map((id, index) => send(store, `user ${index % 50}`, [delivery(id, index % 7)])))
    const listed = await all(store.deliveries({ appId: APP, kind: 'postback', status: 'waiting' }))
    expect(idsOf(listed).sort()).toEqual([...ids].sort())
    const pages = await Promise.all(Array.from({ length: 20 }, () => claim(store, 10, 100)))
    expect(idsOf(pages.flat()).sort()).toEqual([...ids].sort())
  })

  check('deliveries go with the profile they belong to: joined they move, erased they are gone', async (store) => {
    await send(store, 'ann', [delivery('of ann', 10)])
    await send(store, 'bob', [delivery('of bob', 10)])
    await store.transact(user('ann', { otherUserId: 'bob' }), ({ other }) => ({
      answer: null,
      subject: { profile: null, wakeAt: null, history: 'move' },
      other: { profile: other, wakeAt: null },
    }))
    expect(idsOf(await all(store.deliveries({ appId: APP, kind: 'postback', status: 'waiting' })))).toHaveLength(2)
    await store.transact(user('bob'), () => ({
      answer: null,
      subject: { profile: null, wakeAt: null, history: 'erase' },
    }))
    expect(await claim(store, 100)).toEqual([])
  })

  check('each of the two profiles of a turn has deliveries of its own', async (store) => {
    await store.transact(user('ann', { otherUserId: 'bob' }), () => ({
      answer: null,
      subject: { profile: profileOf('ann'), wakeAt: null },
      other: { profile: profileOf('bob'), wakeAt: null },
      deliveries: [delivery('of ann', 10)],
      otherDeliveries: [delivery('of bob', 10)],
    }))
    await store.transact(user('bob'), () => ({
      answer: null,
      subject: { profile: null, wakeAt: null, history: 'erase' },
    }))
    expect(idsOf(await claim(store, 10))).toEqual(['of ann'])
  })

  check('a turn whose profile is not there after it may send nothing', async (store) => {
    const turn = store.transact(user('ann'), () => ({ answer: null, deliveries: [delivery('one', 1)] }))
    await expect(turn).rejects.toThrow('Expected')
    expect(await claim(store, 100)).toEqual([])
  })
}

export function documentTests(check: Check): void {
  check('documents are read as they were put, by kind and app, in the order of their ids', async (store) => {
    expect(await store.documents(APP, 'rule')).toEqual({ revision: 0, documents: new Map() })
    await store.changeDocuments(APP, 'rule', () => ({ answer: null, put: { b: { n: [1, 'ü'] }, a: 'text' } }))
    await store.changeDocuments(APP, 'test', () => ({ answer: null, put: { a: 1 } }))
    const { revision, documents } = await store.documents(APP, 'rule')
    expect(revision).toBe(1)
    expect([...documents]).toEqual([
      ['a', 'text'],
      ['b', { n: [1, 'ü'] }],
    ])
    expect((await store.documents('app_2', 'rule')).documents.size).toBe(0)
  })

  check('a change sees all earlier ones: of a hundred at once, three find room', async (store) => {
    const adding = Array.from({ length: 100 }, (_, index) =>
      store.changeDocuments(APP, 'rule', ({ documents }) =>
        documents.size < 3 ? { answer: true, put: { [`r${index}`]: index } } : { answer: false },
      ),
    )
    expect((await Promise.all(adding)).filter(Boolean)).toHaveLength(3)
    const { revision, documents } = await store.documents(APP, 'rule')
    expect([documents.size, revision]).toEqual([3, 3])
  })

  check('null removes; a change of nothing and a decision that fails change nothing', async (store) => {
    await store.changeDocuments(APP, 'rule', () => ({ answer: null, put: { a: 1, b: 2 } }))
    await store.changeDocuments(APP, 'rule', () => ({ answer: null, put: { a: null } }))
    expect(await store.changeDocuments(APP, 'rule', ({ revision }) => ({ answer: revision }))).toBe(2)
    const failing = store.changeDocuments(APP, 'rule', () => {
      throw new RangeError('no')
    })
    await expect(failing).rejects.toThrow(RangeError)
    expect([...(await store.documents(APP, 'rule')).documents]).toEqual([['b', 2]])
    expect(await store.revisions()).toEqual([{ appId: APP, kind: 'rule', revision: 2 }])
  })
}

function delivery(id: string, dueAt: number): NewDelivery {
  return { id, kind: 'postback', dueAt, data: `{"to":"${id}"}` }
}

function send(store: Store, userId: string, deliveries: readonly NewDelivery[]): Promise<unknown> {
  return store.transact(user(userId), writing(profileOf(userId), { deliveries }))
}

function claim(store: Store, now: number, limit = 100, kinds = ['postback']): Promise<readonly Delivery[]> {
  return store.claimDeliveries({ kinds, now, limit, leaseMs: 100 })
}

function idsOf(deliveries: readonly Delivery[]): string[] {
  return deliveries.map(({ id }) => id)
}
