import { DAY_MS } from '@damson/core'
import { describe, expect, test } from 'vitest'
import { dueTests, seenTests } from './store/answers.ts'
import type { Check, OpenedStore, StoreWish } from './store/check.ts'
import { historyTests } from './store/histories.ts'
import { documentTests, outboxTests } from './store/outbox.ts'
import { subjectTests } from './store/subjects.ts'
import { endTests, turnTests } from './store/turns.ts'
import { all, APP, counting, device, historyOf, look, profileOf, user, writing } from './turns.ts'

export type { OpenedStore, StoreWish } from './store/check.ts'

/** Everything a `Store` promises, as tests. Each test opens its own store and closes it; nothing waits for a clock. */
export function storeConformance(name: string, open: (wish: StoreWish) => Promise<OpenedStore>): void {
  const check: Check = (title, use, wish) => test(title, () => within(open, ({ store }) => use(store), wish))

  describe(`${name}: which profile a ref means`, () => {
    subjectTests(check)
  })
  describe(`${name}: turns`, () => {
    turnTests(check)
  })
  describe(`${name}: renaming, joining, removing`, () => {
    historyTests(check)
  })
  describe(`${name}: message ids`, () => {
    seenTests(check)
  })
  describe(`${name}: what is due`, () => {
    dueTests(check)
  })
  describe(`${name}: deliveries`, () => {
    outboxTests(check)
  })
  describe(`${name}: documents`, () => {
    documentTests(check)
  })
  describe(`${name}: apps, walks, ends`, () => {
    endTests(check)
  })

  test('opening again finds everything', async (context) => {
    await within(open, async (opened) => {
      if (opened.reopen === undefined) return context.skip('the data of this store does not outlive it')
      const { store } = opened
      const profile = profileOf('ann', { devices: { d1: {} }, attributes: { a: [1, 'ü'] } })
      await store.transact(
        user('ann', { deviceId: 'd1' }),
        writing(profile, { devices: { d1: 'subject' }, seen: [{ key: 'm1', answer: 'one', at: 500 }] }, 7),
      )
      await store.transact(user('ann'), (loaded) => ({
        ...counting('ann', 'first')(loaded),
        deliveries: [{ id: 'one', kind: 'postback', dueAt: 9, data: 'data' }],
      }))
      await store.changeDocuments(APP, 'rule', () => ({ answer: null, put: { r: 1 } }))
      await store.transact(user('bob'), writing(profileOf('bob'), { seen: [{ key: 'm2', answer: 'two', at: 500 }] }))
      await store.transact(user('bob'), () => ({
        answer: null,
        subject: { profile: null, wakeAt: null, history: 'erase' },
      }))
      const again = await opened.reopen()
      expect(await look(again, device('d1'), 'm1')).toMatchObject({
        subject: { ...profile, eventCount: 1 },
        seen: 'one',
      })
      expect((await look(again, user('bob'), 'm2')).seen).toBe('')
      expect(await again.transact(user('eve'), counting('eve'))).toBe(1)
      await again.transact(user('ann'), counting('ann', 'second'))
      expect(await historyOf(again, 'ann')).toEqual(['first', 'second'])
      expect(await all(again.profiles(APP))).toHaveLength(2)
      expect([...(await again.documents(APP, 'rule')).documents]).toEqual([['r', 1]])
      const claim = { kinds: ['postback'], now: 9, limit: 9, leaseMs: 9 }
      expect(await again.claimDeliveries(claim)).toMatchObject([{ id: 'one', data: 'data' }])
      await again.forget(501 + DAY_MS)
      const last = await opened.reopen()
      expect((await look(last, user('ann'), 'm1')).seen).toBeUndefined()
      expect((await look(last, user('bob'), 'm2')).seen).toBeUndefined()
      await last.close()
    })
  })
}

async function within(
  open: (wish: StoreWish) => Promise<OpenedStore>,
  use: (opened: OpenedStore) => Promise<void>,
  wish: StoreWish = {},
): Promise<void> {
  const opened = await open(wish)
  try {
    await use(opened)
  } finally {
    await opened.store.close()
    await opened.cleanUp?.()
  }
}
