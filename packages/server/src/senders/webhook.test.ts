import { MINUTE_MS } from '@damson/core'
import { afterEach, describe, expect, test } from 'vitest'
import type { WebhookPart } from '../engine/messages/outgoing.ts'
import { createDial } from '../services/dial.ts'
import { type Behaviour, localEgress, openReceiver, type Receiver } from '../testing/receiver.ts'
import { createTestServer, type TestServer } from '../testing/test-server.ts'
import { openMailbox } from './fixtures/mailbox.ts'
import { eventsOf, outbox, post } from './fixtures/outbox.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function start(behave?: Behaviour): Promise<{ world: TestServer; receiver: Receiver; part: WebhookPart }> {
  const receiver = await openReceiver(behave)
  const mailbox = await openMailbox()
  const smtp = { host: '127.0.0.1', port: mailbox.port, tls: 'none' } as const
  const world = await createTestServer({
    egress: localEgress(),
    dial: createDial({ allowPrivateDestinations: ['loopback'] }),
    messaging: { app_test: { email: { from: 'a@b.example', smtp } } },
  })
  closers.push(
    () => mailbox.close(),
    () => receiver.close(),
    () => world.close(),
  )
  await world.call('setUserAttributes', { userId: 'ann' })
  const headers = { 'content-type': 'application/json', 'x-plum': 'yes' }
  return {
    world,
    receiver,
    part: { channel: 'webhook', url: `${receiver.origin}/in?x=1`, method: 'PUT', headers, body: '{"a":1}' },
  }
}

describe('a webhook message', () => {
  test('calls as it says, and is recorded as delivered [O-09]', async () => {
    const { world, receiver, part } = await start()
    await post(world, part)
    await post(world, { ...part, method: 'GET', body: null }, { id: 'msg_2' })
    await world.dispatch()
    const [put, get] = receiver.received.toSorted((one, other) => (one.method > other.method ? -1 : 1))
    expect(put).toMatchObject({ method: 'PUT', path: '/in?x=1', body: '{"a":1}' })
    expect(put?.headers).toMatchObject({
      'x-plum': 'yes',
      'content-type': 'application/json',
      'webhook-id': 'msg_ann_7',
    })
    expect(get).toMatchObject({ method: 'GET', body: '' })
    expect(await eventsOf(world)).toEqual([
      ['Delivered', null],
      ['Delivered', null],
    ])
  })

  test.each([408, 409, 429, 500, 503])(
    'that is answered %i is sent again up to 50 times: after 1, 2, 4, 4… minutes [O-09]',
    async (status) => {
      const { world, receiver, part } = await start((response) => response.writeHead(status).end())
      await post(world, part)
      const begin = world.clock.now()
      const minutes: number[] = []
      for (let count = 0; count <= 1 + 2 + 48 * 4 + 10; count++) {
        const before = receiver.received.length
        await world.dispatch()
        if (receiver.received.length > before) minutes.push((world.clock.now() - begin) / MINUTE_MS)
        world.clock.advance(MINUTE_MS)
      }
      expect(minutes).toEqual([0, 1, ...Array.from({ length: 49 }, (_, index) => 3 + 4 * index)])
      expect(await eventsOf(world)).toEqual([
        ['Deferred', `answered ${status}`],
        ['Dropped', `answered ${status}`],
      ])
      expect(await outbox(world, 'failed')).toMatchObject([{ attempt: 51 }])
    },
  )

  test.each([301, 400, 401, 404, 410])('that is answered %i is dropped [O-09]', async (status) => {
    const { world, receiver, part } = await start((response) => response.writeHead(status, { location: '/x' }).end())
    await post(world, part)
    await world.dispatch()
    expect(receiver.received).toHaveLength(1)
    expect(await eventsOf(world)).toEqual([['Dropped', `answered ${status}`]])
  })

  test.each(['http://10.0.0.1/x', 'http://169.254.169.254/latest', 'file:///etc/passwd', 'nonsense', ''])(
    'to %j goes nowhere [O-09]',
    async (url) => {
      const { world, part } = await start()
      await post(world, { ...part, url })
      await world.dispatch()
      expect((await eventsOf(world)).map(([event]) => event)).toEqual(['Dropped'])
    },
  )

  test('with a header that HTTP does not know is deferred or dropped, and stops nobody [O-05]', async () => {
    const { world, receiver, part } = await start()
    await post(world, { ...part, headers: { 'x-bad': 'a\r\nb: c' } })
    await post(world, part, { id: 'msg_2' })
    await world.dispatch()
    expect(receiver.received).toHaveLength(1)
    expect(receiver.received[0]?.headers).not.toHaveProperty('b')
  })
})

describe('messages to whom nobody answers', () => {
  test('keep no other waiting: a mail arrives while twenty calls hang [O-05]', async () => {
    const { world, receiver, part } = await start(() => {})
    for (let number = 0; number < 20; number++) await post(world, part, { id: `msg_slow_${number}` })
    const mail = { channel: 'email', to: 'ann@home.example', subject: 'Hello', html: 'Hello' } as const
    await post(world, mail, { id: 'msg_mail' })
    const done = world.dispatch()
    while ((await eventsOf(world)).length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(await eventsOf(world)).toEqual([['Delivered', null]])
    await receiver.close()
    await done
    expect(await outbox(world)).toHaveLength(20)
  })
})
