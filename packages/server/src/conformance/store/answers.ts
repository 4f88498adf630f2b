import { DAY_MS } from '@damson/core'
import { expect } from 'vitest'
import { counting, look, profileOf, user, writing } from '../turns.ts'
import type { Check } from './check.ts'

export function seenTests(check: Check): void {
  check('an answer given is known to later turns of that profile only', async (store) => {
    await store.transact(user('ann'), writing(profileOf('ann'), { seen: [{ key: 'm1', answer: '{"ok":1}', at: 0 }] }))
    expect((await look(store, user('ann'), 'm1')).seen).toBe('{"ok":1}')
    expect((await look(store, user('ann'), 'm2')).seen).toBeUndefined()
    expect((await look(store, user('bob'), 'm1')).seen).toBeUndefined()
    expect((await look(store, user('ann', { appId: 'app_2' }), 'm1')).seen).toBeUndefined()
  })

  check('a turn decided at the same time knows it too', async (store) => {
    const once = () =>
      store.transact(user('ann', { needsSeen: true }), (loaded) => {
        const before = loaded.seen('m1')
        if (before !== undefined) return { answer: before }
        const turn = counting('ann')(loaded)
        return { ...turn, answer: 'first', seen: [{ key: 'm1', answer: 'again', at: 0 }] }
      })
    expect(await Promise.all([once(), once(), once()])).toEqual(['first', 'again', 'again'])
    expect((await look(store, user('ann'))).subject?.eventCount).toBe(1)
  })

  check('is kept for twenty-four hours', async (store) => {
    const seen = [
      { key: 'old', answer: 'o', at: 1000 },
      { key: 'new', answer: 'n', at: 2000 },
    ]
    await store.transact(user('ann'), writing(profileOf('ann'), { seen }))
    await store.forget(2000 + DAY_MS)
    expect((await look(store, user('ann'), 'old')).seen).toBeUndefined()
    expect((await look(store, user('ann'), 'new')).seen).toBe('n')
    await store.forget(2001 + DAY_MS)
    expect((await look(store, user('ann'), 'new')).seen).toBeUndefined()
  })

  check('of an erased profile is kept for twenty-four hours, too', async (store) => {
    const seen = [{ key: 'm1', answer: 'x', at: 1000 }]
    await store.transact(user('ann'), writing(profileOf('ann'), { seen }))
    await store.transact(user('ann'), () => ({
      answer: null,
      subject: { profile: null, wakeAt: null, history: 'erase' },
    }))
    await store.forget(1000 + DAY_MS)
    expect((await look(store, user('ann'), 'm1')).seen).toBe('')
    await store.forget(1001 + DAY_MS)
    expect((await look(store, user('ann'), 'm1')).seen).toBeUndefined()
  })

  check('of a turn that removes its profile is not lost', async (store) => {
    await store.transact(user('ann'), writing(profileOf('ann')))
    await store.transact(user('ann'), () => ({
      answer: null,
      subject: { profile: null, wakeAt: null, history: 'erase' },
      seen: [{ key: 'm1', answer: 'erased', at: 0 }],
    }))
    expect((await look(store, user('ann'), 'm1')).seen).toBe('')
  })
}

export function dueTests(check: Check): void {
  check('profiles whose time has come, earliest first, up to the limit', async (store) => {
    const times = { a: 30, b: 10, c: 20, d: 40, e: null }
    for (const [name, wakeAt] of Object.entries(times))
      await store.transact(user(name), writing(profileOf(name), {}, wakeAt))
    const due = async (now: number, limit: number) => (await store.overdue(now, limit)).map(({ userId }) => userId)
    expect(await due(30, 10)).toEqual(['b', 'c', 'a'])
    expect(await due(30, 2)).toEqual(['b', 'c'])
    expect(await due(9, 10)).toEqual([])
    expect(await store.overdue(10, 1)).toEqual([user('b')])
  })

  check('a time that moved, was taken back or came nearer counts as it is now', async (store) => {
    const set = (name: string, wakeAt: number | null) =>
      store.transact(user(name), writing(profileOf(name), {}, wakeAt))
    for (const name of ['later', 'never', 'sooner', 'again']) await set(name, 100)
    await set('later', 300)
    await set('never', null)
    await set('sooner', 50)
    await set('again', null)
    await set('again', 70)
    const due = async (now: number) => (await store.overdue(now, 10)).map(({ userId }) => userId)
    expect(await due(50)).toEqual(['sooner'])
    expect(await due(200)).toEqual(['sooner', 'again'])
    expect(await due(300)).toEqual(['sooner', 'again', 'later'])
    await set('later', 150)
    expect(await due(200)).toEqual(['sooner', 'again', 'later'])
  })

  check('thousands are found at once, and none twice once they are settled', async (store) => {
    const names = Array.from({ length: 3000 }, (_, index) => `user ${index}`)
    await Promise.all(names.map((name, index) => store.transact(user(name), writing(profileOf(name), {}, index))))
    const found: (string | null)[] = []
    for (let page = await store.overdue(5000, 1000); page.length > 0; page = await store.overdue(5000, 1000)) {
      found.push(...page.map(({ userId }) => userId))
      await Promise.all(page.map((ref) => store.transact(ref, writing(profileOf(ref.userId ?? '')))))
    }
    expect(found).toEqual(names)
  })
}
