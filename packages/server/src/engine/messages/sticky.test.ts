import { beforeEach, describe, expect, test } from 'vitest'
import { exportedContent } from '../../content/plan.ts'
import { readContent } from '../../content/read-content.ts'
import type { ContentSource } from '../../content/source.ts'
import type { MessageSource } from '../../content/messages/source.ts'
import { createTestServer, type TestServer } from '../../testing/test-server.ts'

const NOW = Date.UTC(2026, 10, 20, 12)
const ann = { userId: 'ann', deviceId: 'phone' }
const GOLD = 'attribute.plan = "gold"'

let world: TestServer
beforeEach(async () => void (world = await createTestServer({ now: NOW })))

/** As files are read: by their schema, too. */
async function apply(content: ContentSource): Promise<void> {
  const read = readContent(content)
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  expect(await world.server.engine.applyContent('app_test', read.content)).toMatchObject({ ok: true })
}

/** For gold members, and for whoever was one once. */
const inbox = (more: Partial<MessageSource> = {}): MessageSource => ({
  name: 'News',
  state: 'active',
  channel: 'inbox',
  where: GOLD,
  sticky: true,
  content: { title: 'Hi' },
  ...more,
})
const popup = (more: Partial<MessageSource> = {}) =>
  inbox({ channel: 'inApp', template: 'Alert', content: { Message: 'Hi' }, when: [{ event: 'e' }], ...more })

const become = (plan: string, ids: object = ann) =>
  world.call('setUserAttributes', { ...ids, userAttributes: { plan } })
const shown = async (action = 'getVars', ids: object = ann) =>
  Object.keys((await world.call(action, { ...ids })).messages as object)
const send = async (more: object = {}) =>
  (await world.call('sendMessage', { ...ann, messageId: 7, ...more })).messagesSent

describe('a sticky message stays with whoever was in its audience', () => {
  test('when an app asked for its content [M-31]', async () => {
    await apply({ messages: { 7: popup(), 8: popup({ sticky: false }), 9: inbox({ when: [{ event: 'e' }] }) } })
    await become('none')
    expect(await shown('start')).toEqual([])
    await become('gold')
    expect(await shown()).toEqual(['7', '8'])
    await become('none')
    expect(await shown()).toEqual(['7'])
    expect(await shown('start')).toEqual(['7'])
    await world.call('track', { ...ann, event: 'e' })
    const { newsfeedMessages } = await world.call('getNewsfeedMessages', ann)
    expect(Object.keys(newsfeedMessages as object), 'one that the server sends, too').toEqual(['9##0'])
  })

  test('when it was sent to them, or would have been but for their will [M-31]', async () => {
    await apply({ messages: { 7: inbox(), 8: inbox() } })
    await become('gold')
    await world.call('setUserAttributes', { ...ann, unsubscribeChannelsToAdd: 'Newsfeed Message' })
    expect(await send()).toBe(0)
    await become('none')
    await world.call('setUserAttributes', { ...ann, unsubscribeChannelsToRemove: 'Newsfeed Message' })
    expect(await send()).toBe(1)
    expect(await send({ messageId: 8 }), 'nobody had looked').toBe(0)
  })

  test('when a run of a campaign came by, even one they got nothing of [M-31]', async () => {
    const campaign = { name: 'C', state: 'active', messages: [7], schedule: { at: '2026-11-20T12:00:01Z' } } as const
    await apply({
      messages: { 7: inbox({ category: 3 }) },
      categories: { 3: { name: 'x' } },
      campaigns: { 3: campaign },
    })
    await become('gold')
    await world.call('setUserAttributes', { ...ann, unsubscribeCategoriesToAdd: [3] })
    world.clock.advance(1_000)
    await world.work()
    await world.call('setUserAttributes', { ...ann, unsubscribeCategoriesToRemove: [3] })
    await become('none')
    expect(await send()).toBe(1)
  })

  test('and not with who only got it by force, or while it was no message yet or no more [M-31]', async () => {
    await apply({ messages: { 7: inbox(), 8: popup({ state: 'draft' }), 9: popup({ end: '2020-01-01' }) } })
    await become('none')
    expect(await send({ force: true })).toBe(1)
    expect(await send()).toBe(0)
    await become('gold')
    await shown()
    await become('none')
    await apply({ messages: { 7: inbox(), 8: popup(), 9: popup() } })
    expect(await shown()).toEqual([])
  })

  test('also when they log in [M-31]', async () => {
    await apply({ messages: { 7: popup() } })
    const anonymous = { deviceId: 'phone' }
    await become('gold', anonymous)
    await shown('start', anonymous)
    await world.call('setUserAttributes', { userId: 'ann', userAttributes: { plan: 'none' } })
    await world.call('setUserAttributes', { ...anonymous, newUserId: 'ann' })
    expect(await world.call('exportUser', { userId: 'ann' })).toMatchObject({ userAttributes: { plan: 'none' } })
    expect(await shown()).toEqual(['7'])
  })
})

test('targetingSticky tells it, and content as code brings it back [M-31]', async () => {
  await apply({ messages: { 7: inbox(), 8: inbox({ sticky: undefined }) } })
  const told = async (id: number) => (await world.call('getMessage', { id })).message
  expect(await told(7)).toMatchObject({ targetingSticky: true })
  expect(await told(8)).toMatchObject({ targetingSticky: false })
  const { documents } = await world.store.documents('app_test', 'content')
  expect(exportedContent(documents).messages).toMatchObject({ 7: { sticky: true } })
})
