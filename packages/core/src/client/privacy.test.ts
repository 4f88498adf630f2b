import { expect, test } from 'vitest'
import { clientWorld } from './client-world.ts'
import { consentFromHeaders, consentFromNavigator } from './consent.ts'

test('what waits for consent is sent once it is granted, in order', async () => {
  const { client, taken } = clientWorld()
  const visitor = client.for({ deviceId: 'd1' }, { consent: 'pending' })
  await visitor.track('a')
  await visitor.track('b')
  expect(await client.flush()).toEqual({ sent: 0, dropped: 0, pending: 2 })
  expect(client.stats()).toMatchObject({ waitingForConsent: 2, pending: 0 })
  visitor.setConsent('granted')
  await visitor.track('c')
  expect(await client.flush()).toEqual({ sent: 3, dropped: 0, pending: 0 })
  expect(taken()).toEqual(['a', 'b', 'c'])
})

test('what waits for consent is dropped once it is denied, and so is all that follows', async () => {
  const { client, dropped, taken } = clientWorld({ autoStart: true })
  const visitor = client.for({ deviceId: 'd1' }, { consent: 'pending' })
  await visitor.track('a')
  visitor.setConsent('denied')
  await visitor.track('b')
  await client.flush()
  expect(taken()).toEqual([])
  expect(dropped.map(({ reason }) => reason)).toEqual(['consent', 'consent', 'consent'])
  expect(visitor.session).toBeNull()
})

test('a consent that never came is reported when the client closes', async () => {
  const { client, dropped } = clientWorld({ consent: 'pending' })
  await client.for({ deviceId: 'd1' }).track('a')
  expect(await client.close()).toEqual({ sent: 0, dropped: 1, pending: 0 })
  expect(dropped).toMatchObject([{ reason: 'closed' }])
})

test('Do Not Track and Global Privacy Control deny', () => {
  expect(consentFromHeaders(new Headers({ 'Sec-GPC': '1' }))).toBe('denied')
  expect(consentFromHeaders({ dnt: '1' }, 'pending')).toBe('denied')
  expect(consentFromHeaders({ dnt: '0' }, 'pending')).toBe('pending')
  expect(consentFromHeaders(new Headers())).toBe('granted')
  expect(consentFromNavigator({ globalPrivacyControl: true })).toBe('denied')
  expect(consentFromNavigator({ doNotTrack: '1' })).toBe('denied')
  expect(consentFromNavigator({ doNotTrack: null })).toBe('granted')
})

test('beforeSend steps change or drop what is queued, in order', async () => {
  const { client, ada, server, dropped } = clientWorld({
    beforeSend: [
      (draft) => (draft.name === 'secret' ? null : draft),
      (draft) => ({ ...draft, params: { ...draft.params, seen: draft.userId ?? '' } }),
      (draft) => (draft.name === 'rare' ? { drop: 'sampled' } : draft),
    ],
  })
  const params = { item: 'tea' }
  for (const name of ['open', 'secret', 'rare']) await ada.track(name, params)
  await client.flush()
  expect(server.taken.map((action) => action['params'])).toEqual([{ item: 'tea', seen: 'ada' }])
  expect(dropped.map(({ name, reason }) => [name, reason])).toEqual([
    ['secret', 'filtered'],
    ['rare', 'sampled'],
  ])
  expect(params).toEqual({ item: 'tea' })
})

test('a step that throws drops the action: unredacted would be worse', async () => {
  const { client, ada, dropped } = clientWorld({
    beforeSend: () => {
      throw new Error('no such rule')
    },
  })
  await ada.track('a')
  expect(await client.flush()).toEqual({ sent: 0, dropped: 0, pending: 0 })
  expect(dropped).toMatchObject([{ reason: 'filterFailed' }])
})
