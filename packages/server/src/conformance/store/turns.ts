import { DamsonError } from '@damson/core'
import { expect } from 'vitest'
import { DEFAULT_APP_SETTINGS } from '../../engine/app.ts'
import { all, APP, counting, device, eventOf, historyOf, look, profileOf, user, writing } from '../turns.ts'
import type { Check } from './check.ts'

export function turnTests(check: Check): void {
  check('answers what the decision answered', async (store) => {
    expect(await store.transact(user('ann'), () => ({ answer: 'yes' }))).toBe('yes')
  })

  check('an error of the decision reaches the caller and writes nothing', async (store) => {
    const turn = store.transact(user('ann'), () => {
      throw new RangeError('no')
    })
    await expect(turn).rejects.toThrow(RangeError)
    expect((await look(store, user('ann'))).subject).toBeNull()
    expect(await store.transact(user('ann'), counting('ann'))).toBe(1)
  })

  check('two thousand concurrent turns on one profile all count, in order', async (store) => {
    const turns = Array.from({ length: 2000 }, (_, index) => store.transact(user('ann'), counting('ann', `${index}`)))
    expect(await Promise.all(turns)).toEqual(turns.map((_, index) => index + 1))
    expect((await look(store, user('ann'))).subject?.eventCount).toBe(2000)
    expect(await historyOf(store, 'ann')).toEqual(turns.map((_, index) => `${index}`))
  })

  check('concurrent turns on many profiles do not mix', async (store) => {
    const names = Array.from({ length: 100 }, (_, index) => `user ${index}`)
    const turns = Array.from({ length: 2000 }, (_, index) => names[index % 100] ?? '')
    await Promise.all(turns.map((name) => store.transact(user(name), counting(name))))
    const profiles = await all(store.profiles(APP))
    expect(profiles.map(({ userId }) => userId).sort()).toEqual([...names].sort())
    expect(profiles.every(({ eventCount }) => eventCount === 20)).toBe(true)
  })

  check('a turn sees what the turn before it decided, before that is durable', async (store) => {
    const [first, second] = await Promise.all([
      store.transact(user('ann'), counting('ann')),
      store.transact(user('ann'), ({ subject }) => ({ answer: subject?.eventCount })),
    ])
    expect([first, second]).toEqual([1, 1])
  })

  check('what a turn gives back is stored as plain data', async (store) => {
    const attributes = {
      name: 'Zoë 🦊 \u0000\u2028"\\',
      list: ['a', 1, false],
      big: 'x'.repeat(1_000_000),
      neg: -1.5e-7,
    }
    await store.transact(user('ünï 🦊'), writing(profileOf('ünï 🦊', { attributes })))
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => store.transact(user(`filler ${n}`), counting(`filler ${n}`))),
    )
    expect((await look(store, user('ünï 🦊'))).subject?.attributes).toEqual(attributes)
  })

  check('a turn that asks for the impossible is refused and writes nothing', async (store) => {
    await store.transact(user('bob'), writing(profileOf('bob')))
    const ann = user('ann', { otherUserId: 'bob' })
    const other = { profile: profileOf('eve'), wakeAt: null }
    const impossible = [
      () => store.transact(user('ann'), writing(profileOf('bob'))),
      () => store.transact(ann, writing(profileOf('bob'))),
      () => store.transact(user('ann'), () => ({ answer: null, devices: { d1: 'subject' } })),
      () => store.transact(user('ann'), writing(profileOf('ann'), { other })),
    ]
    for (const attempt of impossible) await expect(attempt()).rejects.toThrow('Expected')
    expect((await look(store, user('ann'))).subject).toBeNull()
    expect((await look(store, device('d1'))).deviceUserId).toBeNull()
  })
}

export function endTests(check: Check): void {
  check('apps come in the order they were saved first, as they were saved last', async (store) => {
    const app = (appId: string, name: string) => ({
      appId,
      name,
      number: 1,
      keys: [],
      settings: DEFAULT_APP_SETTINGS,
    })
    await store.saveApp(app('b', 'one'))
    await store.saveApp(app('a', 'two'))
    await store.saveApp(app('b', 'three'))
    expect(await store.apps()).toEqual([app('b', 'three'), app('a', 'two')])
  })

  check('profiles and entries are walked through one app at a time while turns go on', async (store) => {
    const names = Array.from({ length: 1500 }, (_, index) => `user ${index}`)
    await Promise.all(names.map((name) => store.transact(user(name), counting(name, name))))
    await store.transact(user('foreign', { appId: 'app_2' }), counting('foreign'))
    const seen = new Set<string>()
    const writes: Promise<unknown>[] = []
    for await (const profile of store.profiles(APP)) {
      expect(seen.has(profile.userId)).toBe(false)
      seen.add(profile.userId)
      writes.push(store.transact(user(profile.userId), counting(profile.userId, 'more')))
    }
    await Promise.all(writes)
    expect([...seen].sort()).toEqual([...names].sort())
    const lines = await all(store.entries({ appId: APP }))
    expect(lines).toHaveLength(3000)
    const histories = new Map<string, string[]>()
    for (const { userId, entry } of lines) {
      histories.set(userId, [...(histories.get(userId) ?? []), entry.kind === 'event' ? entry.name : entry.kind])
    }
    for (const [userId, own] of histories) expect(own).toEqual([userId, 'more'])
    expect(await all(store.entries({ appId: 'app_2' }))).toEqual([{ userId: 'foreign', entry: eventOf('e') }])
  })

  check(
    'with lockWaitMs 0 a profile with an unfinished turn is busy at once',
    async (store) => {
      await store.transact(user('ann'), counting('ann'))
      const first = store.transact(user('ann'), counting('ann'))
      const second = store.transact(user('ann'), counting('ann'))
      await expect(second).rejects.toMatchObject({ code: 'PROFILE_BUSY', isRetryable: true })
      expect(await first).toBe(2)
      expect(await store.transact(user('ann'), counting('ann'))).toBe(3)
    },
    { lockWaitMs: 0 },
  )

  check(
    'refuses turns beyond the limit of pending ones, and takes them again later',
    async (store) => {
      const turns = Array.from({ length: 15 }, () => store.transact(user('ann'), counting('ann')))
      const ends = await Promise.allSettled(turns)
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
      for (const end of ends.slice(10)) {
        expect(
          end.status === 'rejected' && DamsonError.isInstance(end.reason, 'STORE_BUSY') && end.reason.isRetryable,
        ).toBe(true)
      }
      expect(await store.transact(user('ann'), counting('ann'))).toBe(11)
    },
    { maxPendingTurns: 10 },
  )

  check('closing finishes what was accepted and refuses what comes after', async (store) => {
    const turns = Array.from({ length: 50 }, (_, index) =>
      store.transact(user(`${index % 5}`), counting(`${index % 5}`)),
    )
    const closed = store.close()
    await expect(store.transact(user('ann'), counting('ann'))).rejects.toMatchObject({ code: 'STORE_CLOSED' })
    expect((await Promise.all(turns)).filter((count) => count === 10)).toHaveLength(5)
    await closed
    await store.close()
    await expect(store.apps()).rejects.toMatchObject({ code: 'STORE_CLOSED' })
  })
}
