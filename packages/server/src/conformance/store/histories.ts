import { expect } from 'vitest'
import type { Store } from '../../store/store.ts'
import { all, APP, counting, device, eventOf, historyOf, look, profileOf, user, writing } from '../turns.ts'
import type { Check } from './check.ts'

export function historyTests(check: Check): void {
  check('owners are everybody with a profile or a history, in one order, from anybody on', async (store) => {
    for (const userId of ['cleo', 'ann', 'bob']) await store.transact(user(userId), counting(userId))
    await store.transact(user('bob'), () => ({ answer: null, subject: { profile: null, wakeAt: null } }))
    const owners = await all(store.owners(APP, null))
    expect(new Map(owners.map(({ userId, profile }) => [userId, profile?.userId]))).toEqual(
      new Map([
        ['ann', 'ann'],
        ['bob', undefined],
        ['cleo', 'cleo'],
      ]),
    )
    for (const [index, { userId }] of owners.entries())
      expect(await all(store.owners(APP, userId))).toEqual(owners.slice(index + 1))
    expect(await all(store.owners('another app', null))).toEqual([])
  })

  check('a renamed profile keeps its history, message ids and devices', async (store) => {
    const seen = [{ key: 'm1', answer: 'one', at: 0 }]
    await store.transact(
      device('d1'),
      writing(profileOf('d1', { devices: { d1: {}, d2: {} } }), { seen, devices: { d1: 'subject', d2: 'subject' } }),
    )
    await store.transact(device('d1'), counting('d1', 'before'))
    await store.transact(device('d1', { otherUserId: 'ann' }), ({ subject }) => ({
      answer: null,
      subject: {
        profile: { ...(subject ?? profileOf('ann')), userId: 'ann' },
        wakeAt: null,
        entries: [eventOf('after')],
      },
    }))
    expect((await look(store, user('d1'))).subject).toBeNull()
    expect(await look(store, device('d2'), 'm1')).toMatchObject({ deviceUserId: 'ann', seen: 'one' })
    expect(await historyOf(store, 'ann')).toEqual(['before', 'after'])
    expect(await historyOf(store, 'd1')).toEqual([])
    expect(await store.transact(user('d1'), counting('d1'))).toBe(1)
  })

  check('joining moves history and message ids to the other profile', async (store) => {
    await store.transact(user('ann'), counting('ann', 'ann 1'))
    await store.transact(device('d1'), counting('d1', 'anonymous'))
    await store.transact(
      device('d1'),
      writing(profileOf('d1', { devices: { d1: {} } }), {
        seen: [{ key: 'm1', answer: 'one', at: 0 }],
        devices: { d1: 'subject' },
      }),
    )
    await join(store, 'd1', 'ann')
    await store.transact(user('ann'), counting('ann', 'ann 2'))
    expect(await historyOf(store, 'ann')).toEqual(['ann 1', 'anonymous', 'joined', 'ann 2'])
    expect(await look(store, device('d1'), 'm1')).toMatchObject({ deviceUserId: 'ann', seen: 'one' })
    expect((await look(store, user('d1'))).subject).toBeNull()
    expect(await all(store.profiles(APP))).toHaveLength(1)
  })

  check('a device that is not named goes with the profile it belonged to', async (store) => {
    const profile = profileOf('d1', { devices: { d1: {}, d2: {} } })
    await store.transact(device('d1'), writing(profile, { devices: { d1: 'subject', d2: 'subject' } }))
    await store.transact(user('ann'), counting('ann'))
    await join(store, 'd1', 'ann')
    expect((await look(store, device('d2'))).deviceUserId).toBe('ann')
  })

  check('everything of a profile can happen within one commit', async (store) => {
    // Once all of it is in memory, turns are decided in the order they come.
    await look(store, user('ann', { deviceId: 'd1', otherUserId: 'd1' }), 'any')
    await Promise.all([
      store.transact(user('ann'), counting('ann', 'ann')),
      store.transact(device('d1'), counting('d1', 'anonymous')),
      join(store, 'd1', 'ann'),
      store.transact(user('ann'), counting('ann', 'again')),
      store.transact(device('d1'), counting('ann', 'by device')),
      store.transact(user('ann'), () => ({
        answer: null,
        subject: { profile: null, wakeAt: null, history: 'erase' },
      })),
      store.transact(user('ann'), counting('ann', 'new life')),
    ])
    expect(await historyOf(store, 'ann')).toEqual(['new life'])
    expect((await look(store, user('ann'))).subject?.eventCount).toBe(1)
    expect((await look(store, device('d1'))).subject).toBeNull()
  })

  check('two joins that cross both happen, one after the other', async (store) => {
    await store.transact(user('ann'), counting('ann', 'a'))
    await store.transact(user('bob'), counting('bob', 'b'))
    const swallow = (from: string, to: string) =>
      store.transact(user(from, { otherUserId: to }), ({ subject, other }) => {
        if (subject === null || other === null) return { answer: 'nobody there' }
        return {
          answer: 'joined',
          subject: { profile: null, wakeAt: null, history: 'move' },
          other: { profile: { ...other, eventCount: other.eventCount + subject.eventCount }, wakeAt: null },
        }
      })
    expect(await Promise.all([swallow('ann', 'bob'), swallow('bob', 'ann')])).toEqual(['joined', 'nobody there'])
    expect((await look(store, user('bob'))).subject?.eventCount).toBe(2)
    expect((await historyOf(store, 'bob')).sort()).toEqual(['a', 'b'])
  })

  check('the subject may take the name of the profile it swallows', async (store) => {
    await store.transact(user('ann'), counting('ann', 'a'))
    await store.transact(device('d1'), counting('d1', 'd'))
    await store.transact(device('d1', { otherUserId: 'ann' }), ({ subject }) => ({
      answer: null,
      subject: { profile: { ...(subject ?? profileOf('')), userId: 'ann' }, wakeAt: null },
      other: { profile: null, wakeAt: null, history: 'move' },
      devices: { d1: 'subject' },
    }))
    expect((await historyOf(store, 'ann')).sort()).toEqual(['a', 'd'])
    expect((await look(store, device('d1'))).deviceUserId).toBe('ann')
    expect(await all(store.profiles(APP))).toHaveLength(1)
  })

  check('a turn may create the other profile', async (store) => {
    await store.transact(user('ann', { otherUserId: 'bob', deviceId: 'd1' }), () => ({
      answer: null,
      subject: { profile: profileOf('ann'), wakeAt: null },
      other: { profile: profileOf('bob'), wakeAt: null, entries: [eventOf('switched')] },
      devices: { d1: 'other' },
    }))
    expect((await look(store, device('d1'))).subject?.userId).toBe('bob')
    expect(await historyOf(store, 'bob')).toEqual(['switched'])
  })

  check('a removed profile is gone with its devices, its history stays under its id', async (store) => {
    const profile = profileOf('ann', { devices: { d1: {} } })
    await store.transact(user('ann', { deviceId: 'd1' }), writing(profile, { devices: { d1: 'subject' } }, 5))
    await store.transact(user('ann'), counting('ann', 'before'))
    await store.transact(user('ann'), () => ({ answer: null, subject: { profile: null, wakeAt: null } }))
    expect(await look(store, user('ann', { deviceId: 'd1' }))).toMatchObject({ subject: null, deviceUserId: null })
    expect(await all(store.profiles(APP))).toEqual([])
    expect(await store.overdue(10, 10)).toEqual([])
    expect(await historyOf(store, 'ann')).toEqual(['before'])
    expect(await store.transact(user('ann'), counting('ann', 'after'))).toBe(1)
    expect((await look(store, device('d1'))).deviceUserId).toBeNull()
    expect(await historyOf(store, 'ann')).toEqual(['before', 'after'])
    expect(await all(store.profiles(APP))).toHaveLength(1)
  })

  check('a profile may take the id of one that was removed, and has its history too', async (store) => {
    await store.transact(user('ann'), counting('ann', 'before'))
    await store.transact(user('ann'), () => ({ answer: null, subject: { profile: null, wakeAt: null } }))
    await store.transact(device('d1'), counting('d1', 'anonymous'))
    await store.transact(device('d1', { otherUserId: 'ann' }), writing(profileOf('ann')))
    expect(await historyOf(store, 'ann')).toEqual(['before', 'anonymous'])
    expect(await all(store.profiles(APP))).toEqual([profileOf('ann')])
  })

  check('an erased profile leaves nothing but the digests of its message ids', async (store) => {
    const seen = [{ key: 'm1', answer: 'one', at: 0 }]
    const profile = profileOf('ann', { devices: { d1: {} } })
    await store.transact(user('ann', { deviceId: 'd1' }), writing(profile, { devices: { d1: 'subject' }, seen }))
    await store.transact(user('ann'), counting('ann'))
    await store.transact(user('ann'), () => ({
      answer: null,
      subject: { profile: null, wakeAt: null, history: 'erase' },
    }))
    expect(await all(store.profiles(APP))).toEqual([])
    expect(await all(store.entries({ appId: APP }))).toEqual([])
    expect(await look(store, device('d1'), 'm1')).toMatchObject({ subject: null, deviceUserId: null, seen: '' })
    expect((await look(store, user('ann'), 'm1')).seen).toBe('')
    expect((await look(store, user('ann'), 'm2')).seen).toBeUndefined()
    expect((await look(store, user('bob'), 'm1')).seen).toBeUndefined()
    expect((await look(store, user('ann', { appId: 'app_2' }), 'm1')).seen).toBeUndefined()
  })

  check('erasing the past keeps the profile, and what the same turn adds', async (store) => {
    const seen = [{ key: 'm1', answer: 'one', at: 0 }]
    await store.transact(user('ann'), writing(profileOf('ann'), { seen }))
    await store.transact(user('ann'), counting('ann', 'before'))
    await store.transact(user('ann'), () => ({
      answer: null,
      subject: {
        profile: profileOf('ann', { blocked: true }),
        wakeAt: null,
        history: 'erase',
        entries: [eventOf('now')],
      },
    }))
    expect(await historyOf(store, 'ann')).toEqual(['now'])
    expect(await look(store, user('ann'), 'm1')).toMatchObject({ subject: { blocked: true }, seen: '' })
  })
}

/** Joins an anonymous profile into a user's. */
function join(store: Store, deviceId: string, userId: string): Promise<string> {
  return store.transact(device(deviceId, { otherUserId: userId }), ({ subject, other }) => {
    if (subject === null || other === null) return { answer: 'nobody there' }
    const profile = { ...other, eventCount: other.eventCount + subject.eventCount }
    return {
      answer: 'joined',
      subject: { profile: null, wakeAt: null, history: 'move' },
      other: { profile, wakeAt: null, entries: [eventOf('joined')] },
      devices: { [deviceId]: 'other' },
    }
  })
}
