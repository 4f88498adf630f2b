import { expect } from 'vitest'
import { device, look, profileOf, refOf, user, writing } from '../turns.ts'
import type { Check } from './check.ts'

export function subjectTests(check: Check): void {
  check('a user id finds its profile and nobody else', async (store) => {
    await store.transact(user('ann'), writing(profileOf('ann', { eventCount: 3 })))
    expect((await look(store, user('ann'))).subject).toEqual(profileOf('ann', { eventCount: 3 }))
    expect((await look(store, user('bob'))).subject).toBeNull()
    expect((await look(store, user('ann', { appId: 'app_2' }))).subject).toBeNull()
  })

  check('an unknown device has the anonymous profile under its own id', async (store) => {
    expect(await look(store, device('d1'))).toEqual({
      subject: null,
      other: null,
      deviceUserId: null,
      seen: undefined,
    })
    await store.transact(device('d1'), writing(profileOf('d1')))
    const found = await look(store, device('d1'))
    expect(found.subject?.userId).toBe('d1')
    expect(found.deviceUserId).toBeNull()
  })

  check('a known device leads to its current user', async (store) => {
    await store.transact(user('ann', { deviceId: 'd1' }), writing(profileOf('ann'), { devices: { d1: 'subject' } }))
    const found = await look(store, device('d1'))
    expect(found.subject?.userId).toBe('ann')
    expect(found.deviceUserId).toBe('ann')
  })

  check('a user id equal to the device id is no user id', async (store) => {
    await store.transact(user('ann', { deviceId: 'd1' }), writing(profileOf('ann'), { devices: { d1: 'subject' } }))
    expect((await look(store, refOf({ userId: 'd1', deviceId: 'd1' }))).subject?.userId).toBe('ann')
    expect((await look(store, refOf({ userId: 'd2', deviceId: 'd2' }))).subject).toBeNull()
  })

  check('an empty user id is no user id', async (store) => {
    await store.transact(user('ann', { deviceId: 'd1' }), writing(profileOf('ann'), { devices: { d1: 'subject' } }))
    expect((await look(store, refOf({ userId: '', deviceId: 'd1' }))).subject?.userId).toBe('ann')
  })

  check('a user id beside a device finds the user, and says whose the device was', async (store) => {
    await store.transact(user('ann', { deviceId: 'd1' }), writing(profileOf('ann'), { devices: { d1: 'subject' } }))
    await store.transact(user('bob'), writing(profileOf('bob')))
    const found = await look(store, user('bob', { deviceId: 'd1' }))
    expect(found.subject?.userId).toBe('bob')
    expect(found.deviceUserId).toBe('ann')
    await store.transact(user('bob', { deviceId: 'd1' }), writing(profileOf('bob'), { devices: { d1: 'subject' } }))
    expect((await look(store, device('d1'))).subject?.userId).toBe('bob')
  })

  check('the same device id in two apps is two devices', async (store) => {
    await store.transact(user('ann', { deviceId: 'd1' }), writing(profileOf('ann'), { devices: { d1: 'subject' } }))
    expect((await look(store, device('d1', { appId: 'app_2' }))).deviceUserId).toBeNull()
  })

  check('the other profile is shown unless it is the subject', async (store) => {
    await store.transact(user('ann'), writing(profileOf('ann')))
    await store.transact(user('bob'), writing(profileOf('bob')))
    expect((await look(store, user('ann', { otherUserId: 'bob' }))).other?.userId).toBe('bob')
    expect((await look(store, user('ann', { otherUserId: 'ann' }))).other).toBeNull()
    expect((await look(store, user('ann', { otherUserId: 'eve' }))).other).toBeNull()
  })

  check('a ref that names nobody is refused', async (store) => {
    await expect(look(store, refOf({}))).rejects.toThrow('userId or a deviceId')
  })
}
