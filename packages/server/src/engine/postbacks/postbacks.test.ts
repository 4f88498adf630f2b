import { MINUTE_MS, SECOND_MS } from '@damson/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { all } from '../../conformance/turns.ts'
import { createTestServer, TEST_APP, type TestServer } from '../../testing/test-server.ts'
import type { Outgoing } from './postbacks.ts'
import { HOOKS, type HookRule } from './rules.ts'

const FULL =
  'https://api.service.example/v1?message_id={{Message ID}}&event={{Message event}}&device_id={{Device ID}}' +
  '&user_id={{User ID}}&time={{Trigger time}}&channel={{Message channel}}&template_name={{Template name}}' +
  '&parameters={{Parameters}}&variant={{Variant ID}}'

let world: TestServer
beforeEach(async () => {
  world = await createTestServer({ masterKeys: ['a master key for tests, thirty-two characters'] })
})
afterEach(() => world.close())

async function waiting(kind = 'postback', appId = 'app_test'): Promise<Outgoing[]> {
  const deliveries = await all(world.store.deliveries({ appId, kind, status: 'waiting' }))
  return deliveries.map(({ data }) => JSON.parse(data) as Outgoing)
}

const queryOf = ({ url }: Outgoing) => Object.fromEntries(new URL(url).searchParams)

async function addHook(rule: Partial<HookRule>): Promise<void> {
  const whole: HookRule = {
    id: 1,
    on: ['event.tracked'],
    events: [],
    url: 'https://hook.example/',
    createdAt: 0,
    ...rule,
  }
  await world.store.changeDocuments('app_test', HOOKS.name, () => ({ answer: null, put: { 1: whole } }))
  await world.server.engine.refresh()
}

describe('rules', () => {
  test('are added, listed and deleted, with ids that are never given twice [P-01]', async () => {
    const first = await world.call('addPostback', { postbackUrl: 'https://a.example/' })
    const channels = '[Push Notification, In-app Message]'
    await world.call('addPostback', { postbackUrl: FULL, channels })
    await world.call('addPostback', { postbackUrl: 'http://c.example/', type: 'abTestEvents', channels: ['Email'] })
    expect(first).toMatchObject({ httpStatus: 200, success: true, postbackId: 1 })
    const all3 = ['Push Notification', 'Email', 'In-app Message']
    expect(await world.call('listPostbacks')).toMatchObject({
      postbacks: [
        { postbackId: 1, type: 'messageEvents', postbackUrl: 'https://a.example/', channels: all3 },
        { postbackId: 2, postbackUrl: FULL, channels: ['Push Notification', 'In-app Message'] },
        { postbackId: 3, type: 'abTestEvents', postbackUrl: 'http://c.example/' },
      ],
    })
    expect(await world.call('deletePostback', { postbackId: 3 })).toMatchObject({ httpStatus: 200, success: true })
    expect(await world.call('addPostback', { postbackUrl: 'https://d.example/' })).toMatchObject({ postbackId: 5 })
  })

  test('are at most three, and a deleted one makes room [P-02]', async () => {
    for (let n = 0; n < 3; n++) await world.call('addPostback', { postbackUrl: 'https://a.example/' })
    const fourth = await world.call('addPostback', { postbackUrl: 'https://a.example/' })
    expect(fourth).toMatchObject({ httpStatus: 403, error: { message: 'Maximum number of postbacks reached (3).' } })
    await world.call('deletePostback', { postbackId: 2 })
    expect(await world.call('addPostback', { postbackUrl: 'https://a.example/' })).toMatchObject({ postbackId: 5 })
  })

  test('of a hundred asked for at once on two servers, exactly three stand', async () => {
    const other = await createTestServer({ store: world.store })
    for (let round = 0; round < 20; round++) {
      const asked = Array.from({ length: 100 }, (_, index) =>
        (index % 2 === 0 ? world : other).call('addPostback', { postbackUrl: `https://a.example/${index}` }),
      )
      const answers = await Promise.all(asked)
      expect(answers.filter(({ httpStatus }) => httpStatus === 403)).toHaveLength(97)
      const added = answers.filter(({ success }) => success).map(({ postbackId }) => postbackId)
      const { postbacks } = await other.call('listPostbacks')
      const standing = (postbacks as { postbackId: number }[]).map(({ postbackId }) => postbackId)
      expect(standing).toHaveLength(3)
      expect(new Set(added)).toEqual(new Set(standing))
      for (const postbackId of standing) await other.call('deletePostback', { postbackId })
    }
  })

  test.each([
    ['postbackUrl', { postbackUrl: 'ftp://a.example/' }],
    ['postbackUrl', { postbackUrl: 'https://{{User ID}}.example/' }],
    ['type', { postbackUrl: 'https://a.example/', type: 'everything' }],
    ['channels', { postbackUrl: 'https://a.example/', channels: ['Pigeon'] }],
  ])("a wrong '%s' is named: %j [P-03]", async (name, args) => {
    const message = `'${name}' is invalid.`
    expect(await world.call('addPostback', args)).toMatchObject({ httpStatus: 400, success: false, error: { message } })
  })

  test('need the data export key, and one that is there [P-04]', async () => {
    expect(await world.call('listPostbacks', { clientKey: 'dev_test' })).toMatchObject({ httpStatus: 403 })
    expect(await world.call('deletePostback', { postbackId: 9 })).toMatchObject({
      httpStatus: 404,
      error: { message: 'Postback not found.' },
    })
  })

  test('show their secret once, a different one for each [P-05]', async () => {
    const answers = [1, 2].map(() => world.call('addPostback', { postbackUrl: 'https://a.example/' }))
    const secrets = (await Promise.all(answers)).map(({ signingSecret }) => signingSecret)
    expect(new Set(secrets).size).toBe(2)
    for (const secret of secrets) expect(secret).toMatch(/^whsec_[\w+/]{43}=$/)
    expect(JSON.stringify(await world.call('listPostbacks'))).not.toContain('whsec_')
    const unsigned = await createTestServer()
    expect(await unsigned.call('addPostback', { postbackUrl: 'https://a.example/' })).not.toHaveProperty(
      'signingSecret',
    )
    await unsigned.close()
  })
})

describe('a message event', () => {
  test('fills in the whole documented template, parameters encoded twice [P-06]', async () => {
    await world.call('addPostback', { postbackUrl: FULL })
    await world.call('start', { userId: 'ann', deviceId: 'phone' })
    const params = { url: 'https://x.example/?a=1&b=ü', index: 2, last: true }
    await world.call('track', { userId: 'ann', messageId: 6678706135760896, event: 'Click', params })
    const [sent, ...others] = await waiting()
    expect(others).toEqual([])
    expect(queryOf(sent!)).toEqual({
      message_id: '6678706135760896',
      event: 'Click',
      device_id: 'phone',
      user_id: 'ann',
      time: String(world.clock.now()),
      channel: 'Email',
      template_name: '',
      parameters: '{"url":"https%3A%2F%2Fx.example%2F%3Fa%3D1%26b%3D%C3%BC","index":2,"last":true}',
      variant: '',
    })
    expect(sent!.url).toContain('%22https%253A%252F%252Fx')
    expect(JSON.parse(sent!.body)).toEqual({
      type: 'message.event',
      timestamp: new Date(world.clock.now()).toISOString(),
      data: {
        appId: 'app_test',
        userId: 'ann',
        deviceId: 'phone',
        messageId: 6678706135760896,
        event: 'Click',
        channel: 'Email',
        templateName: '',
        parameters: params,
      },
    })
  })

  test('carries the time of the event, even if that is past [P-07]', async () => {
    await world.call('addPostback', { postbackUrl: FULL })
    const time = world.clock.now() / SECOND_MS - 3_600
    const data = [{ action: 'track', userId: 'ann', messageId: 1, event: 'Open', time }]
    await world.call('multi', { data, time: world.clock.now() / SECOND_MS, clientKey: 'prod_test' })
    expect((await waiting()).map(queryOf)).toMatchObject([{ time: String(time * SECOND_MS) }])
  })

  test('goes to every rule that wants its channel, and no event that is not listed goes anywhere [P-08]', async () => {
    await world.call('addPostback', { postbackUrl: 'https://push.example/', channels: ['Push Notification'] })
    await world.call('addPostback', { postbackUrl: 'https://mail.example/', channels: ['Email'] })
    await world.call('addPostback', { postbackUrl: 'https://tests.example/', type: 'abTestEvents' })
    const hosts = async (event: string, args = {}) => {
      const before = (await waiting()).length
      await world.call('track', { userId: 'ann', messageId: 5, event, ...args })
      world.clock.advance(1)
      return (await waiting()).slice(before).map(({ url }) => new URL(url).hostname)
    }
    expect(await hosts('Open')).toEqual(expect.arrayContaining(['push.example', 'mail.example']))
    expect(await hosts('')).toHaveLength(2)
    expect(await hosts('Bounce')).toEqual(['mail.example'])
    expect(await hosts('Accept')).toEqual([])
    expect(await hosts('Dismiss')).toEqual([])
    expect(await hosts('Open', { messageId: null })).toEqual([])
  })

  test('is sent once though the request is repeated, and not at all when it was refused [P-09]', async () => {
    await world.call('addPostback', { postbackUrl: FULL })
    const event = { userId: 'ann', messageId: 1, event: 'Open' }
    await world.call('track', { ...event, reqId: 'same' })
    await world.call('track', { ...event, reqId: 'same' })
    await world.call('track', { ...event, disposition: 'requireActive' })
    expect(await waiting()).toHaveLength(1)
  })

  test('leaves nothing behind when its user is erased', async () => {
    await world.call('addPostback', { postbackUrl: FULL })
    await world.call('track', { userId: 'ann', messageId: 1, event: 'Open' })
    await world.call('deleteUser', { userId: 'ann', fullErasure: true })
    expect(await waiting()).toEqual([])
  })
})

test('entering an A/B test is told to the rules for A/B events alone, once [P-18]', async () => {
  const variants = { 51: { name: 'a' } }
  const tests = { 5: { name: 'Title', state: 'running', variants } } as const
  expect(await world.server.engine.applyContent('app_test', { tests })).toMatchObject({ ok: true })
  await world.call('addPostback', { postbackUrl: FULL })
  const postbackUrl = 'https://tests.example/{{AB test ID}}/{{Variant ID}}?{{User ID}}&{{Device ID}}&{{Message ID}}'
  await world.call('addPostback', { postbackUrl, type: 'abTestEvents' })
  await world.call('start', { userId: 'ann', deviceId: 'phone' })
  await world.call('start', { userId: 'ann', deviceId: 'phone' })
  const [sent, ...others] = await waiting()
  expect(others).toEqual([])
  expect(sent!.url).toBe('https://tests.example/5/51?ann&phone&')
  expect(JSON.parse(sent!.body)).toMatchObject({
    type: 'ab_test.entered',
    data: { userId: 'ann', deviceId: 'phone', testId: 5, variantId: 51 },
  })
})

describe('hooks', () => {
  test('tell of sessions that began and ended, and are not counted among the three [P-14]', async () => {
    await addHook({ on: ['session.started', 'session.ended'], url: 'https://hook.example/{{User ID}}/{{Device ID}}' })
    for (let n = 0; n < 3; n++) await world.call('addPostback', { postbackUrl: 'https://a.example/' })
    await world.call('start', { userId: 'ann', deviceId: 'phone' })
    world.clock.advance(MINUTE_MS)
    await world.call('stop', { userId: 'ann', deviceId: 'phone' })
    const bodies = (await waiting('hook')).map(({ body }) => JSON.parse(body) as object)
    expect(bodies).toMatchObject([
      { type: 'session.started', data: { userId: 'ann', deviceId: 'phone' } },
      { type: 'session.ended', data: { userId: 'ann', deviceId: 'phone', durationMs: MINUTE_MS, reason: 'stop' } },
    ])
    expect((await waiting('hook'))[0]!.url).toBe('https://hook.example/ann/phone')
  })

  test('hear of a session that timed out when it is swept', async () => {
    await addHook({ on: ['session.ended'] })
    await world.call('start', { userId: 'ann', deviceId: 'phone' })
    world.clock.advance(121 * MINUTE_MS)
    await world.sweep()
    const [sent] = await waiting('hook')
    expect(JSON.parse(sent!.body)).toMatchObject({
      type: 'session.ended',
      data: { reason: 'timeout', deviceId: 'phone' },
    })
  })

  test('of events hear of those they name, and of no message event [P-15]', async () => {
    await addHook({ events: ['Purchase'], url: 'https://hook.example/?p={{Parameters}}' })
    const params = { item: 'plum' }
    await world.call('track', { userId: 'ann', event: 'Purchase', value: 5, params })
    await world.call('track', { userId: 'ann', event: 'Other' })
    await world.call('track', { userId: 'ann', messageId: 1, event: 'Open' })
    const sent = await waiting('hook')
    expect(sent.map(({ body }) => JSON.parse(body) as object)).toMatchObject([
      { type: 'event.tracked', data: { userId: 'ann', deviceId: null, name: 'Purchase', value: 5, params } },
    ])
    expect(new URL(sent[0]!.url).searchParams.get('p')).toBe('{"item":"plum"}')
  })

  test('whoever is switched to has deliveries of their own', async () => {
    await addHook({ on: ['session.started', 'session.ended'] })
    await world.call('start', { userId: 'ann', deviceId: 'phone' })
    await world.call('setUserAttributes', { userId: 'ann', deviceId: 'phone', newUserId: 'bob' })
    await world.call('deleteUser', { userId: 'ann', fullErasure: true })
    const sent = (await waiting('hook')).map(({ body }) => JSON.parse(body) as object)
    expect(sent).toMatchObject([{ type: 'session.started', data: { userId: 'bob', deviceId: 'phone' } }])
  })
})

test('apps hear of their own events alone', async () => {
  const two = await createTestServer({ apps: [TEST_APP, { ...TEST_APP, appId: 'other' }], store: world.store })
  await two.call('addPostback', { postbackUrl: FULL, appId: 'other' })
  await two.call('track', { userId: 'ann', messageId: 1, event: 'Open' })
  expect([...(await waiting()), ...(await waiting('postback', 'other'))]).toEqual([])
})
