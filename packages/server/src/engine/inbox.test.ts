import { HOUR_MS } from '@damson/core'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../testing/test-server.ts'
import { Draft, emptyProfile } from './draft.ts'
import { bothInboxes, deliverToInbox, INBOX_ITEMS_MAX, INBOX_TEXT_MAX, type NewInboxItem } from './inbox.ts'
import type { Profile } from './profile.ts'

const ann = { userId: 'ann', deviceId: 'phone' }
const item = (messageId: number, more: Partial<NewInboxItem> = {}): NewInboxItem => ({
  messageId,
  vars: { Title: `message ${messageId}` },
  expiresAt: null,
  ...more,
})

describe('the inbox of a user', () => {
  let world: TestServer
  beforeEach(async () => {
    world = await createTestServer()
    await world.call('start', ann)
  })
  afterEach(() => world.close())

  const deliver = (one: NewInboxItem, userId = 'ann') =>
    world.store.transact({ appId: 'app_test', userId, deviceId: null, needsSeen: false }, ({ subject }) => {
      const draft = new Draft(subject!)
      const id = deliverToInbox(draft, one, world.clock.now())
      return { answer: id, subject: { profile: draft.profile, wakeAt: null } }
    })
  const messages = async (who: Record<string, unknown> = ann) => {
    const { newsfeedMessages } = await world.call('getNewsfeedMessages', who)
    return newsfeedMessages as Record<string, Record<string, unknown>>
  }
  const ids = async (who?: Record<string, unknown>) => Object.keys(await messages(who))

  test('is empty at first, and holds what was delivered as SDKs read it [N-01]', async () => {
    expect(await messages()).toEqual({})
    const now = world.clock.now()
    const id = await deliver(
      item(7, { expiresAt: now + HOUR_MS, vars: { Title: 'Hello', 'Open action': { __name__: 'Open URL' } } }),
    )
    expect(id).toBe('7##0')
    expect(await messages()).toEqual({
      '7##0': {
        deliveryTimestamp: now,
        expirationTimestamp: now + HOUR_MS,
        isRead: false,
        messageData: {
          action: '__Newsfeed Message',
          vars: { Title: 'Hello', 'Open action': { __name__: 'Open URL' }, __name__: '__Newsfeed Message' },
          priority: 1000,
          countdown: 0,
          parentCampaignId: null,
          hasImpressionCriteria: false,
          whenLimits: { children: [], subject: null, objects: [] },
          unlessTriggers: { children: [], subject: null, objects: [] },
        },
      },
    })
  })

  test('is read and deleted message by message; doing it again, or to what is not there, is done [N-02]', async () => {
    await deliver(item(7))
    await deliver(item(7))
    expect(await ids()).toEqual(['7##0', '7##1'])
    for (const newsfeedMessageId of ['7##1', '7##1', '9##0', '__proto__', 'constructor'])
      expect(await world.call('markNewsfeedMessageAsRead', { ...ann, newsfeedMessageId })).toEqual({
        httpStatus: 200,
        success: true,
      })
    expect(Object.entries(await messages()).map(([id, { isRead }]) => [id, isRead])).toEqual([
      ['7##0', false],
      ['7##1', true],
    ])
    for (const newsfeedMessageId of ['7##1', '7##1', 'toString'])
      expect(await world.call('deleteNewsfeedMessage', { ...ann, newsfeedMessageId })).toMatchObject({ success: true })
    expect(await ids()).toEqual(['7##0'])
    expect(await world.call('deleteNewsfeedMessage', ann)).toMatchObject({
      httpStatus: 400,
      error: { message: "'newsfeedMessageId' must be provided" },
    })
  })

  test('never gives an id twice, and is the same on every device of the user [N-02]', async () => {
    const first = await deliver(item(7))
    await world.call('deleteNewsfeedMessage', { ...ann, newsfeedMessageId: first })
    expect(await deliver(item(7))).toBe('7##1')
    expect(await ids({ userId: 'ann', deviceId: 'tablet' })).toEqual(['7##1'])
  })

  test('forgets what has expired [N-03]', async () => {
    await deliver(item(7, { expiresAt: world.clock.now() + HOUR_MS }))
    await deliver(item(8))
    world.clock.advance(HOUR_MS - 1)
    expect(await ids()).toEqual(['7##0', '8##1'])
    world.clock.advance(1)
    expect(await ids()).toEqual(['8##1'])
    await deliver(item(9))
    for await (const { inbox } of world.store.profiles('app_test')) expect(Object.keys(inbox)).toEqual(['8##1', '9##2'])
  })

  test('is fetched when the client has other messages than the server: start and getVars say so [N-04]', async () => {
    const says = async (action: string, newsfeedMessages?: readonly string[]) =>
      (await world.call(action, { ...ann, ...(newsfeedMessages && { newsfeedMessages }) })).syncNewsfeed
    expect(await says('start')).toBe(false)
    expect(await says('start', [])).toBe(false)
    expect(await says('start', ['7##0'])).toBe(true)
    const id = await deliver(item(7, { expiresAt: world.clock.now() + HOUR_MS }))
    expect(await says('start')).toBe(true)
    expect(await says('start', [id])).toBe(false)
    expect(await says('getVars', [id])).toBe(false)
    expect(await says('getVars', [])).toBe(true)
    expect(await says('getVars')).toBeUndefined()
    world.clock.advance(HOUR_MS)
    expect(await says('start', [id])).toBe(true)
  })

  test('reading it creates nobody, is no activity, and is refused for whoever is blocked [N-05]', async () => {
    expect(await world.call('getNewsfeedMessages', { userId: 'nobody' })).toMatchObject({
      success: true,
      warning: { message: 'User not found; request skipped.' },
    })
    const before = await world.call('exportUser', { userId: 'ann' })
    world.clock.advance(HOUR_MS)
    await messages()
    expect(await world.call('exportUser', { userId: 'ann' })).toEqual(before)
    await deliver(item(7))
    await world.call('block', { userId: 'ann' })
    expect(await world.call('getNewsfeedMessages', ann)).toMatchObject({ httpStatus: 451 })
    await world.call('unblock', { userId: 'ann' })
    expect(await ids()).toEqual([])
  })

  test('goes with the user: deleted with them, renamed with them, united when they log in [N-06]', async () => {
    await world.call('track', { deviceId: 'd1', event: 'e' })
    await deliver(item(7), 'd1')
    await deliver(item(8), 'd1')
    await world.call('setUserAttributes', { deviceId: 'd1', newUserId: 'bob' })
    expect(await ids({ userId: 'bob' })).toEqual(['7##0', '8##1'])
    await world.call('track', { deviceId: 'd2', event: 'e' })
    world.clock.advance(1)
    await deliver(item(7), 'd2')
    await world.call('setUserAttributes', { deviceId: 'd2', newUserId: 'bob' })
    expect(await ids({ userId: 'bob' })).toEqual(['7##0', '8##1', '7##2'])
    await world.call('deleteUser', { userId: 'bob', fullErasure: true })
    await world.call('track', { userId: 'bob', event: 'e' })
    expect(await ids({ userId: 'bob' })).toEqual([])
  })
})

const deliveries = fc.array(
  fc.record({ messageId: fc.integer({ min: 1, max: 3 }), length: fc.nat(20_000), at: fc.nat(1_000) }),
  { maxLength: 80 },
)
const inboxOf = (userId: string, list: readonly { messageId: number; length: number; at: number }[]): Profile => {
  const draft = new Draft(emptyProfile(userId, 0))
  for (const { messageId, length, at } of list.toSorted((one, other) => one.at - other.at))
    deliverToInbox(draft, item(messageId, { vars: { Title: 'x'.repeat(length) } }), at)
  return draft.profile
}
const isBounded = ({ inbox }: Pick<Profile, 'inbox'>) =>
  Object.keys(inbox).length <= INBOX_ITEMS_MAX &&
  (Object.keys(inbox).length === 1 || JSON.stringify(inbox).length <= INBOX_TEXT_MAX + INBOX_ITEMS_MAX * 30)

test('whatever is delivered and united, an inbox stays bounded, keeps the newest, and no two ids are the same [N-03]', () => {
  fc.assert(
    fc.property(deliveries, deliveries, (one, other) => {
      const [target, anonymous] = [inboxOf('ann', one), inboxOf('d1', other)]
      const both = bothInboxes(target, anonymous)
      for (const inbox of [target, anonymous, both]) expect(isBounded(inbox)).toBe(true)
      const newest = Math.max(-1, ...[...one, ...other].map(({ at }) => at))
      const kept = Object.values(both.inbox).map(({ deliveredAt }) => deliveredAt)
      expect(Math.max(-1, ...kept)).toBe(newest)
      const numbers = Object.keys(both.inbox).map((id) => Number(id.split('##')[1]))
      expect(numbers.every((number) => number < both.inboxCount)).toBe(true)
    }),
  )
})
