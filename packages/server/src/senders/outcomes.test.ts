import { MINUTE_MS } from '@damson/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { all } from '../conformance/turns.ts'
import type { EmailPart, Outgoing } from '../engine/messages/outgoing.ts'
import { LEASE_MS } from '../timers/dispatcher.ts'
import { createTestServer, type TestServer } from '../testing/test-server.ts'
import { eventsOf, outbox, post } from './fixtures/outbox.ts'
import type { SendContext, SendOutcome } from './sender.ts'
import { checkedSettings } from './settings.ts'

// The way to people is a fake here: what becomes of messages is looked at, and not how they are sent.
let world: TestServer
let outcome: SendOutcome
let sent: { readonly part: EmailPart; readonly context: SendContext }[]

const part: EmailPart = { channel: 'email', to: 'ann@home.example', subject: 'Hello', html: 'Hello' }

beforeEach(async () => {
  outcome = { type: 'delivered' }
  sent = []
  world = await createTestServer({
    publicUrl: 'https://plums.example/damson/',
    masterKeys: ['a master key for tests, thirty-two characters'],
    egress: () => Promise.resolve(new Response(null, { status: 204 })),
    senders: {
      close: () => {},
      of: (_appId, channel) =>
        channel !== 'email'
          ? null
          : {
              laneOf: () => 'fake',
              send: (one, context) => {
                sent.push({ part: one as EmailPart, context })
                return Promise.resolve(outcome)
              },
            },
    },
  })
  await world.call('setUserAttributes', { userId: 'ann' })
})
afterEach(() => world.close())

describe('what becomes of a message', () => {
  test('is told by postbacks, like any event of a message [O-02]', async () => {
    const postbackUrl = 'https://hooks.example/?event={{Message event}}&user={{User ID}}&p={{Parameters}}'
    await world.call('addPostback', { postbackUrl })
    outcome = { type: 'bounced', reason: '550 5.1.1' }
    await post(world, part)
    await world.server.dispatch()
    const posted = await all(world.store.deliveries({ appId: 'app_test', kind: 'postback', status: 'waiting' }))
    // Sent in the same dispatch: messages go first.
    expect(posted).toEqual([])
    expect(await eventsOf(world)).toEqual([['Bounce', '550 5.1.1']])
  })

  test('is recorded once, though a process died before it said so [O-11]', async () => {
    const id = await post(world, part)
    const [first] = await outbox(world)
    const outgoing = JSON.parse(first!.data) as Outgoing
    const now = world.clock.now()
    await world.store.claimDeliveries({ kinds: ['message'], now, limit: 1, leaseMs: LEASE_MS })
    for (let crash = 0; crash < 3; crash++)
      await world.server.engine.recordOutcome('app_test', {
        id,
        outgoing,
        event: 'Delivered',
        params: {},
        removesToken: false,
      })
    world.clock.advance(LEASE_MS)
    await world.dispatch()
    expect(sent).toEqual([])
    expect(await eventsOf(world)).toEqual([['Delivered', null]])
    expect(await outbox(world)).toEqual([])
  })

  test('belongs to whoever the user is by then: renamed, or merged into another [O-12]', async () => {
    await world.call('track', { deviceId: 'd1', event: 'e' })
    await post(world, part, { userId: 'd1', deviceId: 'd1' })
    await world.call('setUserAttributes', { deviceId: 'd1', newUserId: 'bob' })
    await world.dispatch()
    expect(await eventsOf(world, 'bob')).toEqual([['Delivered', null]])
    await world.call('track', { deviceId: 'd2', event: 'e' })
    await post(world, part, { userId: 'd2' })
    await world.call('setUserAttributes', { deviceId: 'd2', newUserId: 'ann' })
    await world.dispatch()
    expect(await eventsOf(world, 'ann')).toEqual([['Delivered', null]])
  })

  test('is nothing when the user was erased: the message is not sent [O-12]', async () => {
    await post(world, part)
    await world.call('deleteUser', { userId: 'ann', fullErasure: true })
    await world.dispatch()
    expect(sent).toEqual([])
    expect(await outbox(world)).toEqual([])
  })

  test('creates no session, and is no activity of the user [O-12]', async () => {
    await world.call('start', { userId: 'ann', deviceId: 'phone' })
    const before = await world.call('exportUser', { userId: 'ann' })
    world.clock.advance(MINUTE_MS)
    await post(world, part)
    await world.dispatch()
    const { lastActive, totalSessions } = await world.call('exportUser', { userId: 'ann' })
    expect([lastActive, totalSessions]).toEqual([before.lastActive, before.totalSessions])
  })

  test.each([
    ['the channel', { unsubscribeChannelsToAdd: 'Email' }],
    ['its category', { unsubscribeCategoriesToAdd: [5] }],
  ])('is Dropped for whoever left %s while it waited to be sent again [O-13]', async (_name, left) => {
    outcome = { type: 'later', isUp: true, reason: '451' }
    await post(world, { ...part, categoryId: 5 })
    await world.dispatch()
    await world.call('setUserAttributes', { userId: 'ann', ...left })
    world.clock.advance(MINUTE_MS)
    await world.dispatch()
    expect(sent).toHaveLength(1)
    expect(await eventsOf(world)).toEqual([
      ['Deferred', '451'],
      ['Dropped', 'unsubscribed'],
    ])
  })

  test('is Dropped on a channel that is not set up, kept, and sent when it is revived [O-13]', async () => {
    const id = await post(world, { channel: 'apns', token: 't', payload: {} })
    await world.dispatch()
    expect(await eventsOf(world)).toEqual([['Dropped', 'apns is not set up']])
    expect(await outbox(world, 'failed')).toMatchObject([{ id, note: 'apns is not set up' }])
    expect(await world.store.reviveDelivery('app_test', id, world.clock.now())).toBe(true)
  })

  test('that kills the process every time it is tried is Dropped in the end [O-11]', async () => {
    await post(world, part)
    for (let crash = 0; crash < 10; crash++) {
      const now = world.clock.now()
      await world.store.claimDeliveries({ kinds: ['message'], now, limit: 1, leaseMs: LEASE_MS })
      world.clock.advance(LEASE_MS)
    }
    await world.dispatch()
    expect(sent).toEqual([])
    expect(await eventsOf(world)).toEqual([['Dropped', 'the process ended during the last try']])
  })
})

describe('a link to unsubscribe', () => {
  const linkOf = async (categoryId?: number) => {
    await post(world, { ...part, ...(categoryId !== undefined && { categoryId }) })
    await world.dispatch()
    return sent.at(-1)!.context.addresses!.unsubscribe
  }
  const ask = (url: string, method: string) =>
    world.fetch(new Request(url, { method, ...(method === 'POST' && { body: 'List-Unsubscribe=One-Click' }) }))
  const left = async () => {
    const { unsubscribeChannels, unsubscribeCategories } = await world.call('exportUser', { userId: 'ann' })
    return [unsubscribeChannels, unsubscribeCategories]
  }

  test('is in each mail; looking changes nothing, and one click leaves all mail [O-10]', async () => {
    const before = await left()
    const url = await linkOf()
    expect(url).toMatch(/^https:\/\/plums\.example\/damson\/unsubscribe\/[\w.-]+$/)
    const page = await ask(url, 'GET')
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html;charset=utf-8'])
    expect(await page.text()).toContain('<form method="post">')
    expect(await left()).toEqual(before)
    expect((await ask(url, 'POST')).status).toBe(200)
    expect((await ask(url, 'POST')).status).toBe(200)
    expect((await left())[0]).toEqual(['Email'])
    expect((await eventsOf(world)).map(([event]) => event)).toEqual(['Delivered', 'Unsubscribe'])
  })

  test('leaves the category of its message, if it has one [O-10]', async () => {
    await ask(await linkOf(5), 'POST')
    for await (const { unsubscribedCategories, unsubscribedChannels } of world.store.profiles('app_test'))
      expect([unsubscribedCategories, unsubscribedChannels]).toEqual([[5], []])
  })

  test('that we have not made does nothing [O-10]', async () => {
    const url = await linkOf()
    const [, facts = '', signature = ''] = /unsubscribe\/([\w-]+)\.([\w-]+)$/.exec(url) ?? []
    const forged = Buffer.from(JSON.stringify(['app_test', 'x', 7, 'bob', 'all'])).toString('base64url')
    for (const token of [`${forged}.${signature}`, `${facts}.${signature.slice(1)}A`, `${facts}.`, facts, '.', 'x'])
      expect((await ask(`https://plums.example/unsubscribe/${token}`, 'POST')).status).toBe(404)
    expect((await ask(url, 'DELETE')).status).toBe(405)
    expect((await left())[0]).toEqual([])
  })
})

describe('settings', () => {
  const smtp = { host: 'smtp.example' }
  test.each([
    ['email.from', { email: { from: 'nobody', smtp } }],
    ['email.from', { email: { from: 'a@b.example\r\nBcc: c@d.example', smtp } }],
    ['email.smtp.port', { email: { from: 'a@b.example', smtp: { ...smtp, port: 0 } } }],
    ['email.smtp.host', { email: { from: 'a@b.example', smtp: { host: 'smtp://x' } } }],
    ['webPush', { webPush: { subject: 'mailto:a@b.example', publicKey: 'AAAA', privateKey: 'secret-1' } }],
    ['apns.key', { apns: { key: 'secret-1', keyId: 'KEYKEYKEY1', teamId: 'TEAMTEAM12', topic: 'x' } }],
    [
      'fcm.serviceAccount.private_key',
      { fcm: { serviceAccount: { project_id: 'x', client_email: 'x', private_key: 'secret-1' } } },
    ],
  ])('that are wrong are refused, and named: %s [O-14]', (path, settings) => {
    let message = ''
    try {
      checkedSettings('shop', settings)
    } catch (error) {
      message = String(error)
    }
    expect(message).toContain(`messaging.shop.${path}: `)
    expect(message).not.toContain('secret-1')
  })
})
