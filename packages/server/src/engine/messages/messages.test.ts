import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '@damson/core'
import { beforeEach, describe, expect, test } from 'vitest'
import type { ContentSource } from '../../content/source.ts'
import { PICTURE } from '../../content/messages/links.ts'
import type { MessageSource } from '../../content/messages/source.ts'
import { createTestServer, type TestServer } from '../../testing/test-server.ts'
import type { Outgoing } from './outgoing.ts'

const NOW = 1_700_000_000_000

let world: TestServer
let outbox: { id: string; outgoing: Outgoing }[]
beforeEach(async () => {
  outbox = []
  world = await createTestServer({ now: NOW })
})

const ann = { userId: 'ann', deviceId: 'phone' }
const call = async (action: string, args: object = {}) => {
  const answer = await world.call(action, args as Record<string, unknown>)
  await collect()
  return answer
}

/** An e-mail that everybody with an address gets. */
const mail = (more: Partial<MessageSource> = {}): MessageSource => ({
  name: 'Mail',
  state: 'active',
  channel: 'email',
  content: { subject: 'Hello {{ userAttribute.name }}', html: '<p>{{ userAttribute.name }}</p>' },
  ...more,
})

async function apply(content: ContentSource): Promise<void> {
  const plan = await world.server.engine.applyContent('app_test', content)
  if (!plan.ok) throw new Error(JSON.stringify(plan.problems))
}

/** In the order of the calls; what one call sent by its messages and devices, for the outbox has no order within an instant. */
async function sent(): Promise<Outgoing[]> {
  await collect()
  return outbox.map(({ outgoing }) => outgoing)
}
async function collect(): Promise<void> {
  const found: { id: string; outgoing: Outgoing }[] = []
  for await (const { id, data } of world.store.deliveries({ appId: 'app_test', kind: 'message', status: 'waiting' }))
    if (!outbox.some((one) => one.id === id)) found.push({ id, outgoing: JSON.parse(data) as Outgoing })
  const placeOf = ({ outgoing: { messageId, deviceId } }: (typeof found)[number]) => `${messageId} ${deviceId}`
  outbox.push(...found.sort((one, other) => (placeOf(one) < placeOf(other) ? -1 : 1)))
}
/** How often `.m7` was sent. */
const count = async () => (await sent()).filter(({ messageId }) => messageId === 7).length
const eventsOf = async (userId = 'ann') => {
  const entries = await world.entries('app_test', userId)
  return entries.flatMap((entry) => (entry.kind === 'event' ? [entry.name] : []))
}
const withAddress = () =>
  call('setUserAttributes', { ...ann, userAttributes: { email: 'ann@example.com', name: '<Ann> & Co' } })

describe('sendMessage', () => {
  beforeEach(() => withAddress())
  const send = (args: object = {}) => call('sendMessage', { ...ann, messageId: 7, ...args })

  test('fills in a message, records it without a session and gives it to the outbox [M-01] [M-05]', async () => {
    await apply({ messages: { 7: mail() } })
    expect(await send()).toEqual({ httpStatus: 200, success: true, result: 'Message sent', messagesSent: 1 })
    expect(await eventsOf()).toEqual(['.m7'])
    expect(await call('exportUser', ann)).toMatchObject({ totalSessions: 0, lastActive: null })
    expect(await sent()).toEqual([
      {
        messageId: 7,
        userId: 'ann',
        deviceId: null,
        part: {
          channel: 'email',
          to: 'ann@example.com',
          subject: 'Hello <Ann> & Co',
          html: `<p>&lt;Ann&gt; &amp; Co</p>${PICTURE}`,
          links: [],
        },
      },
    ])
  })

  test('records it in the session that is open, and prolongs none [M-05]', async () => {
    await apply({ messages: { 7: mail() } })
    await call('start', ann)
    world.clock.advance(90 * MINUTE_MS)
    await send()
    world.clock.advance(40 * MINUTE_MS)
    const entries = await world.entries('app_test', 'ann')
    const started = entries.find(({ kind }) => kind === 'sessionStarted') as { record: string }
    expect(entries.find((entry) => entry.kind === 'event')).toMatchObject({ record: started.record })
    expect(await call('heartbeat', ann)).toMatchObject({ warning: { message: 'No active session; request skipped.' } })
  })

  test.each([
    ['unknown', 8],
    ['no number', 'thisisaninvalidmessageid'],
    ['a number of another kind', '7.0'],
  ])('of a message that is %s is warned about, and does nothing [M-02]', async (_, messageId) => {
    await apply({ messages: { 7: mail() } })
    expect(await send({ messageId })).toEqual({
      httpStatus: 200,
      success: true,
      warning: { message: 'Message entity not found' },
    })
    expect(await eventsOf()).toEqual([])
  })

  test('creates nobody unless it is asked to [M-02]', async () => {
    await apply({ messages: { 7: mail() } })
    expect(await send({ userId: 'bob', deviceId: 'd' })).toMatchObject({
      warning: { message: 'User not found; request skipped.' },
    })
    expect(await send({ userId: 'bob', deviceId: 'd', createDisposition: 'CreateIfNeeded' })).toMatchObject({
      messagesSent: 0,
    })
    expect(await call('exportUser', { userId: 'bob' })).toMatchObject({ userId: 'bob', events: {} })
  })

  const notSent = { httpStatus: 200, success: true, result: 'Message not sent', messagesSent: 0 }
  test.each<[string, Partial<MessageSource>]>([
    ['a draft', { state: 'draft' }],
    ['finished', { state: 'finished' }],
    ['not begun', { start: '2030-01-01' }],
    ['over', { end: '2020-01-01' }],
    ['for others', { where: 'attribute.plan = "gold"' }],
    ['shown by the app', { channel: 'inApp', template: 'Alert', content: { Title: 'Hello' } }],
    ['push, and there is no token', { channel: 'push', content: { text: 'Hello' } }],
    ['an e-mail to nobody', { content: { to: '{{ userAttribute.work }}', subject: 's', html: 'h' } }],
    ['an e-mail to what is no address', { content: { to: 'a@b, c@d.e', subject: 's', html: 'h' } }],
  ])('of a message that is %s sends nothing and records nothing [M-03]', async (_, more) => {
    await apply({ messages: { 7: mail(more) } })
    expect(await send()).toEqual(notSent)
    expect(await eventsOf()).toEqual([])
    expect(await sent()).toEqual([])
  })

  test('with force goes to those it is not for, but not against their will [M-03] [M-04]', async () => {
    await apply({
      messages: { 7: mail({ where: 'attribute.plan = "gold"', category: 3 }) },
      categories: { 3: { name: 'News' } },
    })
    expect(await send({ force: 'true' })).toMatchObject({ messagesSent: 1 })
    await call('setUserAttributes', { ...ann, unsubscribeCategoriesToAdd: [3] })
    expect(await send({ force: true })).toEqual(notSent)
    await call('setUserAttributes', { ...ann, unsubscribeCategoriesToRemove: [3], unsubscribeChannelsToAdd: 'Email' })
    expect(await send({ force: true })).toEqual(notSent)
    await call('setUserAttributes', { ...ann, unsubscribeChannelsToRemove: 'Email' })
    expect(await send({ force: true })).toMatchObject({ messagesSent: 1 })
  })

  test('values go over those of the message, in every spelling there is [M-06]', async () => {
    const subject = `{{Value "name"}} {{"points"}} {{value['points']}} {{ value.nobody | default: "you" }}{{ 'sign' | upcase }}`
    const values = { name: 'all', points: 1, sign: 'x' }
    await apply({ messages: { 7: mail({ values, content: { subject, html: '-' } }) } })
    await send()
    await send({ values: { name: 'Ann', points: 7 } })
    await send({ values: '{"points":"{{ userAttribute.email }}"}' })
    expect((await sent()).map(({ part }) => 'subject' in part && part.subject)).toEqual([
      'all 1 1 youX',
      'Ann 7 7 youX',
      'all {{ userAttribute.email }} {{ userAttribute.email }} youX',
    ])
  })

  test('push goes to all devices of a user, or to one, on every service they can be reached by [M-07]', async () => {
    const content = {
      title: 'Hi',
      text: 'On {{ deviceId }}',
      open: 'https://shop.example/{{ userAttribute.name }}',
      data: { n: 1 },
    }
    await apply({ messages: { 7: mail({ channel: 'push', content }) } })
    const subscription = { endpoint: 'https://push.example/1', key: 'a+b/c==', auth: 'd-e_' }
    await call('setDeviceAttributes', { ...ann, webPushSubscription: JSON.stringify(subscription) })
    await call('setDeviceAttributes', { ...ann, deviceId: 'tablet', gcmRegistrationId: 'G' })
    await call('setDeviceAttributes', { ...ann, deviceId: 'ipad', iosPushToken: 'I' })
    await call('setDeviceAttributes', { ...ann, deviceId: 'tv', webPushSubscription: 'broken' })
    expect(await send({ deviceId: undefined })).toMatchObject({ messagesSent: 3 })
    const [ios, web, android] = await sent()
    const openAction = { __name__: 'Open URL', URL: 'https://shop.example/%3CAnn%3E%20%26%20Co' }
    expect(web).toMatchObject({
      deviceId: 'phone',
      part: {
        channel: 'webPush',
        subscription: { endpoint: 'https://push.example/1', keys: { p256dh: 'a-b_c', auth: 'd-e_' } },
      },
    })
    expect(JSON.parse((web!.part as { payload: string }).payload)).toEqual({
      title: 'Hi',
      tag: '7',
      body: 'On phone',
      data: { n: 1, messageId: '7', openAction },
    })
    expect(android).toMatchObject({
      deviceId: 'tablet',
      part: { channel: 'fcm', token: 'G', data: { _lpm: '7', title: 'Hi', lp_message: 'On tablet', n: '1' } },
    })
    expect(ios).toMatchObject({
      deviceId: 'ipad',
      part: {
        channel: 'apns',
        token: 'I',
        payload: { n: 1, aps: { alert: { title: 'Hi', body: 'On ipad' } }, _lpx: openAction },
      },
    })
    expect(await eventsOf()).toEqual(['.m7'])
    expect(await send({ deviceId: 'ipad' })).toMatchObject({ messagesSent: 1 })
    expect(await sent()).toHaveLength(4)
  })

  test('a webhook is called with what is filled in, escaped for where it stands [M-08]', async () => {
    const url = 'https://crm.example/{{ userAttribute.name }}?id={{ userId }}'
    const body = '{"name":"{{ value.name }}","at":"{{ now }}"}'
    const content = { url, headers: { 'X-Name': '{{ value.name }}' }, body }
    await apply({
      messages: {
        7: mail({ channel: 'webhook', content }),
        9: mail({ channel: 'webhook', content: { url, method: 'GET' } }),
      },
    })
    await send({ values: { name: 'a"\n' } })
    await send({ messageId: 9 })
    expect((await sent()).map(({ part }) => part)).toEqual([
      {
        channel: 'webhook',
        url: 'https://crm.example/%3CAnn%3E%20%26%20Co?id=ann',
        method: 'POST',
        headers: { 'X-Name': 'a" ', 'content-type': 'application/json' },
        body: '{"name":"a\\"\\n","at":"2023-11-14T22:13:20.000Z"}',
      },
      {
        channel: 'webhook',
        url: 'https://crm.example/%3CAnn%3E%20%26%20Co?id=ann',
        method: 'GET',
        headers: {},
        body: null,
      },
    ])
  })

  test('a template that runs away is stopped, and the message recorded as dropped [M-09]', async () => {
    const html = '{% for i in (1..value.n) %}{% for j in (1..value.n) %}{% endfor %}{% endfor %}x'
    await apply({ messages: { 7: mail({ content: { subject: 's', html } }) } })
    expect(await send({ values: { n: 1e9 } })).toEqual(notSent)
    expect(await eventsOf()).toEqual(['.m7 Dropped'])
    const [entry] = (await world.entries('app_test', 'ann')).filter(({ kind }) => kind === 'event')
    expect(entry).toMatchObject({ info: expect.stringContaining('limit exceeded') as string })
    expect(await send({ values: { n: 2 } })).toMatchObject({ messagesSent: 1 })
  })

  test('an inbox message lies in the inbox at once, for as long as it says [M-27]', async () => {
    const content = { title: 'Hi {{ userAttribute.name }}', open: 'https://shop.example/', days: 2, data: { n: 1 } }
    await apply({ messages: { 7: mail({ channel: 'inbox', content, when: [{ event: 'e' }] }) } })
    expect(await send()).toMatchObject({ messagesSent: 1 })
    await call('track', { ...ann, event: 'e' })
    const inbox = async () => (await call('getNewsfeedMessages', ann)).newsfeedMessages as Record<string, object>
    expect(Object.keys(await inbox())).toEqual(['7##0', '7##1'])
    expect((await inbox())['7##0']).toMatchObject({
      expirationTimestamp: NOW + 2 * DAY_MS,
      messageData: {
        vars: {
          Title: 'Hi <Ann> & Co',
          Data: { n: 1 },
          'Open action': { __name__: 'Open URL', URL: 'https://shop.example/' },
        },
      },
    })
    expect(await eventsOf()).toEqual(['.m7', 'e', '.m7'])
    expect(await sent()).toEqual([])
    await call('setUserAttributes', { ...ann, unsubscribeChannelsToAdd: 'Newsfeed Message' })
    expect(await send()).toEqual(notSent)
  })

  test('is answered again and not done again when it comes with the same reqId', async () => {
    await apply({ messages: { 7: mail() } })
    const first = await send({ reqId: 'r1' })
    expect(await send({ reqId: 'r1' })).toEqual(first)
    expect(await count()).toBe(1)
  })
})

describe('the control group', () => {
  test('gets nothing, is recorded as held back, and stays the same; the rest gets all [M-10]', async () => {
    await apply({ messages: { 7: mail({ holdback: 30 }) } })
    const users = Array.from({ length: 200 }, (_, index) => `user-${index}`)
    const held = async () => {
      const answers: unknown[] = []
      for (const userId of users) {
        await call('setUserAttributes', { userId, userAttributes: { email: `${userId}@example.com` } })
        answers.push((await call('sendMessage', { userId, messageId: 7 })).messagesSent)
      }
      return users.filter((_, index) => answers[index] === 0)
    }
    const first = await held()
    expect(first.length).toBeGreaterThan(30)
    expect(first.length).toBeLessThan(90)
    expect(await eventsOf(first[0])).toEqual(['.m7 Held Back'])
    expect(await held()).toEqual(first)
    await apply({ messages: { 7: mail({ holdback: 50 }) } })
    const more = await held()
    expect(first.filter((user) => !more.includes(user))).toEqual([])
    expect(more.length).toBeGreaterThan(first.length)
  })
})

describe('a message is set off', () => {
  const trigger = async (message: Partial<MessageSource>) => {
    await withAddress()
    await apply({ messages: { 7: mail(message) } })
  }
  const track = (event: string, args: object = {}) => call('track', { ...ann, event, ...args })

  test('by an event, in the same turn, and not by another [M-11]', async () => {
    await trigger({
      when: [{ event: 'Purchase' }],
      content: { subject: "{{ trigger }}: {{ parameter['item'] }}", html: '-' },
    })
    await track('Look')
    expect(await sent()).toEqual([])
    await track('Purchase', { params: { item: 'shoe' } })
    expect(await sent()).toMatchObject([{ part: { subject: 'Purchase: shoe' } }])
    expect(await eventsOf()).toEqual(['Look', 'Purchase', '.m7'])
  })

  test('by an event with a parameter, compared without case [M-11]', async () => {
    await trigger({ when: [{ event: 'Purchase', parameter: 'item', is: 'Shoe' }] })
    for (const params of [undefined, { item: 'hat' }, { other: 'shoe' }, { item: 'SHOE' }])
      await track('Purchase', { params })
    expect(await count()).toBe(1)
  })

  test('by a state [M-11]', async () => {
    await trigger({ when: [{ state: 'Cart' }] })
    await call('start', ann)
    await call('advance', { ...ann, state: 'Home' })
    await call('advance', { ...ann, state: 'Cart' })
    await call('advance', { ...ann, state: '' })
    expect(await count()).toBe(1)
  })

  test('by a change of an attribute: any, to a value, from one to another [M-12]', async () => {
    await withAddress()
    await apply({
      messages: {
        1: mail({ when: [{ attribute: 'plan' }] }),
        2: mail({ when: [{ attribute: 'plan', to: 'gold' }] }),
        3: mail({ when: [{ attribute: 'plan', from: 'free', to: 'gold' }] }),
      },
    })
    const set = async (plan: unknown, action = 'setUserAttributes') => {
      const before = (await sent()).length
      await call(action, { ...ann, userAttributes: { plan, other: Math.random() } })
      return (await sent()).slice(before).map(({ messageId }) => messageId)
    }
    expect(await set('gold')).toEqual([1, 2])
    expect(await set('gold')).toEqual([])
    expect(await set('free')).toEqual([1])
    expect(await set('gold', 'start')).toEqual([1, 2, 3])
    expect(await set(null)).toEqual([1])
    expect(await set(['a', 'b'])).toEqual([1])
    expect(await set(['a', 'b'])).toEqual([])
  })

  test('by a session that starts, or is resumed [M-13]', async () => {
    await withAddress()
    await apply({ messages: { 1: mail({ when: [{ session: 'start' }] }), 2: mail({ when: [{ session: 'resume' }] }) } })
    const ids = async () => (await sent()).map(({ messageId }) => messageId)
    await call('start', { ...ann, background: true })
    expect(await ids()).toEqual([])
    await call('start', ann)
    expect(await ids()).toEqual([1, 2])
    await call('pauseSession', ann)
    await call('resumeSession', ann)
    expect(await ids()).toEqual([1, 2, 2])
    await call('track', { ...ann, event: 'e' })
    expect(await ids()).toHaveLength(3)
  })

  test('unless something else happens at the same moment [M-14]', async () => {
    await trigger({ when: [{ event: 'Purchase' }], unless: [{ event: 'Purchase', parameter: 'test', is: true }] })
    await track('Purchase', { params: { test: true } })
    expect(await count()).toBe(0)
    await track('Purchase', { params: { test: false } })
    expect(await count()).toBe(1)
  })

  test('once by one thing that fits two of its triggers, and by messages never [M-14]', async () => {
    await trigger({ when: [{ event: 'Purchase' }, { event: 'Purchase', parameter: 'a', is: 1 }, { event: '.m7' }] })
    await track('Purchase', { params: { a: 1 } })
    expect(await count()).toBe(1)
  })

  test('not by what happened more than a day ago, nor by what was not done [M-15]', async () => {
    await trigger({ when: [{ event: 'Purchase' }] })
    await track('Purchase', { time: (NOW - DAY_MS) / SECOND_MS - 1 })
    await track('Purchase', { disposition: 'requireActive' })
    expect(await count()).toBe(0)
    await track('Purchase', { time: (NOW - DAY_MS) / SECOND_MS })
    expect(await count()).toBe(1)
  })

  test('for the user who it happened to when another logs in or one switches [M-16]', async () => {
    await apply({ messages: { 7: mail({ when: [{ attribute: 'plan' }, { event: 'e' }] }) } })
    await call('setUserAttributes', { userId: 'bob', userAttributes: { email: 'bob@example.com' } })
    await call('track', { deviceId: 'd1', event: 'e' })
    await call('setUserAttributes', { deviceId: 'd1', newUserId: 'bob', userAttributes: { plan: 'gold' } })
    await call('setUserAttributes', {
      userId: 'bob',
      deviceId: 'd1',
      newUserId: 'eve',
      userAttributes: { plan: 'x', email: 'eve@example.com' },
    })
    expect((await sent()).map(({ userId }) => userId)).toEqual(['bob', 'eve'])
  })

  test('the more important one first: the cap of a channel is theirs [M-17] [M-18]', async () => {
    await withAddress()
    const when = [{ event: 'e' }]
    const ids = async () => (await sent()).map(({ messageId }) => messageId)
    await apply({ messages: { 1: mail({ when }), 2: mail({ when, priority: 5 }), 3: mail({ when, priority: 2000 }) } })
    await track('e')
    expect(await eventsOf()).toEqual(['e', '.m2', '.m1', '.m3'])
    await apply({ caps: { email: { day: 2 } } })
    world.clock.advance(HOUR_MS)
    await track('e')
    expect((await ids()).slice(3)).toEqual([1, 2])
    await track('e')
    expect(await ids()).toHaveLength(5)
    expect(await call('sendMessage', { ...ann, messageId: 3 })).toMatchObject({ messagesSent: 1 })
    world.clock.advance(DAY_MS)
    await track('e')
    expect((await ids()).slice(6)).toEqual([1, 2])
  })

  const repeat = async (times: number, stepMs = 0) => {
    for (let index = 0; index < times; index++) {
      await track('e')
      world.clock.advance(stepMs)
    }
    return count()
  }
  const when = [{ event: 'e' }] as const

  test.each([
    [{ user: 2 }, 5, 2],
    [{ nth: 3 }, 7, 1],
    [{ everyNth: 3 }, 7, 2],
    [{ hour: 1 }, 7, 4],
    [{ hour: { times: 2, in: 2 } }, 9, 5],
    [{ minute: 1, user: 4 }, 7, 4],
  ])('no more often than %j says: of %d times half an hour apart, %d [M-19]', async (limits, times, expected) => {
    await trigger({ when, limits })
    expect(await repeat(times, 30 * MINUTE_MS)).toBe(expected)
  })

  test('no more often than its limit in a session; all outside of sessions is one [M-19]', async () => {
    await trigger({ when, limits: { session: 1 } })
    expect(await repeat(3)).toBe(1)
    await call('start', ann)
    expect(await repeat(3)).toBe(2)
    await call('stop', ann)
    await call('start', ann)
    expect(await repeat(3)).toBe(3)
  })

  test('and its limits go with the user who logs in [M-19]', async () => {
    await apply({ messages: { 7: mail({ when, limits: { user: 2 } }) } })
    const userAttributes = { email: 'a@example.com' }
    for (const who of [{ userId: 'bob' }, { deviceId: 'd1' }]) {
      await call('setUserAttributes', { ...who, userAttributes })
      await call('track', { ...who, event: 'e' })
    }
    await call('setUserAttributes', { deviceId: 'd1', newUserId: 'bob' })
    await call('track', { userId: 'bob', event: 'e' })
    expect(await count()).toBe(2)
  })

  test('and what it sends belongs to its cause: a batch of both is committed together', async () => {
    await trigger({ when })
    const { revision } = await world.store.documents('app_test', 'content')
    expect(revision).toBeGreaterThan(0)
    const batch = [1, 2, 3].map((n) => ({ action: 'track', ...ann, event: 'e', params: { n } }))
    const body = JSON.stringify({ appId: 'app_test', clientKey: 'prod_test', action: 'multi', data: batch })
    await world.fetch(new Request('http://test/api', { method: 'POST', body }))
    expect(await count()).toBe(3)
  })
})

describe('a message that variants of a test change', () => {
  test('is sent as the user sees it, who enters the test by that [M-20]', async () => {
    const content: ContentSource = {
      messages: { 7: mail({ content: { subject: 'as it was', html: 'same', track: false } }) },
      tests: {
        5: {
          name: 'Subject',
          state: 'running',
          variants: { 51: { name: 'control' }, 52: { name: 'loud', messages: { 7: { subject: 'LOUD' } } } },
        },
      },
    }
    await apply(content)
    const subjects = new Map<number, unknown>()
    for (let index = 0; index < 12; index++) {
      const userId = `user-${index}`
      await call('setUserAttributes', { userId, userAttributes: { email: `${userId}@example.com` } })
      await call('sendMessage', { userId, messageId: 7 })
      const entered = (await world.entries('app_test', userId)).find(({ kind }) => kind === 'variantEntered')
      const { part } = (await sent()).find((one) => one.userId === userId)!
      subjects.set((entered as { variantId: number }).variantId, 'subject' in part && [part.subject, part.html])
    }
    expect(subjects).toEqual(
      new Map([
        [51, ['as it was', 'same']],
        [52, ['LOUD', 'same']],
      ]),
    )
    expect(await call('getMessage', { id: 7 })).toMatchObject({ message: { abTestIds: [5] } })
  })
})

describe('what there is', () => {
  test('is told without what a message does not have; drafts only if asked for, old ones too [M-21]', async () => {
    await apply({
      messages: {
        1: mail({ state: 'draft' }),
        2: mail({ when: [{ event: 'e' }], limits: { day: 1 } }),
        3: mail({ state: 'finished', channel: 'inApp', template: 'Alert', when: [{ session: 'start' }], content: {} }),
      },
    })
    const ids = async (args: object = {}) =>
      ((await call('getMessages', args)).messages as { id: number }[]).map(({ id }) => id)
    expect(await ids()).toEqual([2, 3])
    expect(await ids({ includeDrafts: true })).toEqual([1, 2, 3])
    expect((await call('getMessages')).messages).toEqual([
      {
        id: 2,
        name: 'Mail',
        active: true,
        state: 'active',
        created: NOW / 1000,
        updated: NOW / 1000,
        messageType: 'Email',
        targetingSticky: false,
        messageLimits: { verb: 'AND', children: [{ subject: 'times', verb: 'limitDay', noun: 1, objects: [1] }] },
        serverTriggers: {
          verb: 'OR',
          children: [{ subject: 'event', verb: 'triggers', noun: 'e', objects: [] }],
        },
      },
      expect.objectContaining({ id: 3, active: false, finished: NOW / 1000, messageType: 'Alert' }) as unknown,
    ])
    world.clock.advance(31 * DAY_MS)
    expect(await ids()).toEqual([2])
    expect(await ids({ recent: false })).toEqual([2, 3])
    expect(await call('getMessage', { id: 1 })).toMatchObject({
      httpStatus: 404,
      error: { message: 'Message not found.' },
    })
    expect(await call('getMessage', { id: 1, includeDrafts: true })).toMatchObject({
      message: { id: 1, state: 'draft' },
    })
  })

  test('categories are told with their ids [M-22]', async () => {
    await apply({ categories: { 1: { name: 'News' }, 2: { name: 'Offers', description: 'At most one a week' } } })
    expect((await call('getUnsubscribeCategories')).categories).toEqual([
      { id: 1, name: 'News' },
      { id: 2, name: 'Offers', description: 'At most one a week' },
    ])
  })
})

describe('messages that the app shows', () => {
  const popup = (more: Partial<MessageSource> = {}): MessageSource => ({
    name: 'Popup',
    state: 'active',
    channel: 'inApp',
    template: 'Center Popup',
    content: {
      Title: { Text: 'Hello {{ userAttribute.name }}' },
      'Background color': '#ff8800',
      'Accept action': { __name__: '' },
    },
    ...more,
  })
  const messages = async () => (await call('start', ann)).messages as Record<string, Record<string, unknown>>

  test('are in the answer of start and getVars, in the form SDKs take [M-23]', async () => {
    await withAddress()
    await apply({
      messages: {
        7: popup({
          when: [
            { event: 'Purchase', parameter: 'item', is: 'shoe' },
            { attribute: 'plan', from: 'a', to: 'b' },
            { session: 'start' },
          ],
          unless: [{ state: 'Cart' }],
          limits: { session: 1, day: { times: 2, in: 3 }, everyNth: 2 },
          priority: 3,
          start: '2023-01-01',
          end: '2030-01-01',
        }),
      },
      caps: { inApp: { session: 1, week: 7 } },
    })
    const started = await call('start', ann)
    expect(started.messages).toEqual({
      7: {
        action: 'Center Popup',
        vars: {
          Title: { Text: 'Hello <Ann> & Co' },
          'Background color': 0xffff8800,
          'Accept action': { __name__: '' },
          __name__: 'Center Popup',
        },
        whenTriggers: {
          verb: 'OR',
          children: [
            { subject: 'event', verb: 'triggersWithParameter', noun: 'Purchase', objects: ['item', 'shoe'] },
            { subject: 'userAttribute', verb: 'changesFromTo', noun: 'plan', objects: ['a', 'b'] },
            { subject: 'start', verb: '', noun: null, objects: [] },
          ],
        },
        unlessTriggers: { verb: 'OR', children: [{ subject: 'state', verb: 'triggers', noun: 'Cart', objects: [] }] },
        whenLimits: {
          verb: 'AND',
          children: [
            { subject: 'times', verb: 'limitSession', noun: 1, objects: [] },
            { subject: 'times', verb: 'limitDay', noun: 2, objects: [3] },
            { subject: 'everyNthOccurrence', verb: '', noun: 2, objects: [] },
          ],
        },
        priority: 3,
        countdown: 86_400,
        hasImpressionCriteria: false,
        parentCampaignId: null,
        startTime: Date.parse('2023-01-01'),
        endTime: Date.parse('2030-01-01'),
      },
    })
    expect(started.localCaps).toEqual([
      { channel: 'IN_APP', type: 'SESSION', limit: 1 },
      { channel: 'IN_APP', type: 'WEEK', limit: 7 },
    ])
    expect((await call('getVars', ann)).messages).toEqual(started.messages)
  })

  test('are for their audience, for now, and not drafts [M-24]', async () => {
    await apply({
      messages: {
        1: popup({ where: 'attribute.plan = "gold"' }),
        2: popup({ state: 'draft' }),
        3: popup({ end: '2020-01-01' }),
        4: popup({ start: '2030-01-01' }),
        5: popup({ start: '2030-01-01', end: '2031-01-01' }),
      },
    })
    expect(Object.keys(await messages())).toEqual(['5'])
    await call('setUserAttributes', { ...ann, userAttributes: { plan: 'gold' } })
    expect(Object.keys(await messages())).toEqual(['1', '5'])
  })

  test('are there for the control group, too, as what is held back [M-25]', async () => {
    await apply({ messages: { 7: popup({ when: [{ event: 'e' }], holdback: 100 }) } })
    expect((await messages())[7]).toMatchObject({
      action: '__held_back',
      vars: { __name__: '__held_back' },
      whenTriggers: { children: [{ noun: 'e' }] },
    })
  })

  test('escape values in markup and addresses, and nowhere else [M-26]', async () => {
    await withAddress()
    const { name } = { name: '{{ userAttribute.name }}' }
    await apply({
      messages: { 7: popup({ content: { HTML: `<b>${name}</b>`, Text: name, URL: `https://x.example/${name}` } }) },
    })
    expect((await messages())[7]).toMatchObject({
      vars: {
        HTML: '<b>&lt;Ann&gt; &amp; Co</b>',
        Text: '<Ann> & Co',
        URL: 'https://x.example/%3CAnn%3E%20%26%20Co',
      },
    })
  })

  test('that cannot be filled in are left out, and the rest is there [M-26]', async () => {
    const content = { Text: '{% for i in (1..1000000000) %}x{% endfor %}' }
    await apply({ messages: { 7: popup({ content }), 8: popup() } })
    expect(Object.keys(await messages())).toEqual(['8'])
  })
})

describe('what is told of messages', () => {
  test('postbacks know channel and template from the content; webhooks have none [M-28]', async () => {
    await withAddress()
    await apply({
      messages: {
        7: mail(),
        8: mail({ channel: 'webhook', content: { url: 'https://crm.example/' } }),
        9: mail({ channel: 'inApp', template: 'Confirm', content: {} }),
      },
    })
    const places = ['Message ID', 'Message event', 'Message channel', 'Template name'].map((name) => `{{${name}}}`)
    await call('addPostback', { postbackUrl: `https://hooks.example/${places.join('/')}` })
    const told = async () => {
      const urls: string[] = []
      for await (const { data } of world.store.deliveries({ appId: 'app_test', kind: 'postback', status: 'waiting' }))
        urls.push(decodeURIComponent((JSON.parse(data) as { url: string }).url.slice('https://hooks.example/'.length)))
      return urls.toSorted()
    }
    for (const messageId of [7, 8]) await call('sendMessage', { ...ann, messageId })
    await call('track', { ...ann, messageId: 9 })
    await call('track', { ...ann, messageId: 9, event: 'Accept' })
    await call('track', { ...ann, messageId: 9, event: 'Open' })
    expect(await told()).toEqual(['7/Send/Email/', '9/Accept/In-app Message/Confirm', '9/View/In-app Message/Confirm'])
  })

  test('exportReport counts what was sent, held back and dropped [M-28]', async () => {
    await withAddress()
    await apply({
      messages: { 7: mail({ content: { subject: '{% for i in (1..value.n) %}{% endfor %}', html: 'h' } }) },
    })
    const send = (values: object) => call('sendMessage', { ...ann, messageId: 7, values })
    for (const n of [1, 1, 1e9]) await send({ n })
    await apply({ messages: { 7: mail({ holdback: 100 }) } })
    await send({})
    const range = { startDate: '20231101', endDate: '20231130', dataType: 'MessageResults', messageId: 7 }
    const { jobId } = await call('exportReport', range)
    await world.work()
    const { data } = await call('getExportResults', { jobId })
    const [day] = Object.values(data as Record<string, Record<string, { Occurrences: number }>>)
    expect(Object.entries(day!).map(([name, { Occurrences }]) => [name, Occurrences])).toEqual([
      ['.m7', 2],
      ['.m7 Dropped', 1],
      ['.m7 Held Back', 1],
    ])
  })
})
