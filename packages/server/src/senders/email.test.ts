import { MINUTE_MS } from '@damson/core'
import { afterEach, describe, expect, test } from 'vitest'
import { UNSUBSCRIBE_PLACEHOLDER } from '../content/messages/values.ts'
import type { EmailPart } from '../engine/messages/outgoing.ts'
import { createDial } from '../services/dial.ts'
import { openSocketReceiver } from '../testing/receiver.ts'
import { createTestServer, type TestServer } from '../testing/test-server.ts'
import { emailSender } from './email.ts'
import { type Mailbox, type MailboxOptions, openMailbox } from './fixtures/mailbox.ts'
import { eventsOf, outbox, post } from './fixtures/outbox.ts'
import type { SendContext } from './sender.ts'

const dial = createDial({ allowPrivateDestinations: ['loopback'] })
const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

type Smtp = NonNullable<NonNullable<Parameters<typeof createTestServer>[0]>['messaging']>[string]['email']

async function worldWith(mailbox: Pick<Mailbox, 'port'>, smtp: object = {}): Promise<TestServer> {
  const email: Smtp = {
    from: 'The plums <shop@plums.example>',
    replyTo: 'help@plums.example',
    smtp: { host: '127.0.0.1', port: mailbox.port, tls: 'none', ...smtp },
  }
  const world = await createTestServer({ dial, messaging: { app_test: { email } } })
  closers.push(() => world.close())
  await world.call('setUserAttributes', { userId: 'ann' })
  return world
}

async function mailboxWith(options: MailboxOptions = {}): Promise<Mailbox> {
  const mailbox = await openMailbox(options)
  closers.push(() => mailbox.close())
  return mailbox
}

const mail = (more: Partial<EmailPart> = {}): EmailPart => ({
  channel: 'email',
  to: 'ann@home.example',
  subject: 'Plums — halb so teuer',
  html: '<p>Hello</p>',
  text: 'Hello',
  ...more,
})
const context: SendContext = { id: 'msg_1', at: 0, signal: new AbortController().signal, addresses: null }

describe('a mail', () => {
  test('arrives at a real SMTP server, as it was written, and is recorded as delivered [O-01]', async () => {
    const mailbox = await mailboxWith()
    const world = await worldWith(mailbox)
    await post(world, mail())
    expect(await world.dispatch()).toBe(1)
    expect(mailbox.mails).toHaveLength(1)
    const [{ from, to, headers, text }] = mailbox.mails as [(typeof mailbox.mails)[0]]
    expect([from, to]).toEqual(['shop@plums.example', 'ann@home.example'])
    expect(headers).toMatchObject({
      from: 'The plums <shop@plums.example>',
      to: 'ann@home.example',
      'reply-to': 'help@plums.example',
      'message-id': '<msg_ann_7@plums.example>',
      subject: '=?UTF-8?Q?Plums_=E2=80=94_halb_so_teuer?=',
    })
    expect(text).toContain('<p>Hello</p>')
    expect(await eventsOf(world)).toEqual([['Delivered', null]])
    expect([...(await outbox(world)), ...(await outbox(world, 'failed'))]).toEqual([])
  })

  test('of many goes over few connections, with the account of the app [O-01]', async () => {
    const account = { user: 'shop', password: 'a secret' }
    const mailbox = await mailboxWith({ account })
    const world = await worldWith(mailbox, { ...account, connections: 2 })
    for (let number = 0; number < 30; number++) await post(world, mail(), { id: `msg_${number}` })
    await world.dispatch()
    expect(mailbox.mails).toHaveLength(30)
    expect(mailbox.connections).toBeLessThanOrEqual(2)
  })

  test('that is refused for good bounces, and is not sent again [O-02]', async () => {
    const mailbox = await mailboxWith({ rcpt: () => ({ code: 550, text: '5.1.1 No such ann@home.example' }) })
    const world = await worldWith(mailbox)
    await post(world, mail())
    await world.dispatch()
    expect(await eventsOf(world)).toEqual([['Bounce', '550 5.1.1']])
    expect([...(await outbox(world)), ...(await outbox(world, 'failed'))]).toEqual([])
  })

  test('that is not taken yet is deferred, told once, and sent again [O-03]', async () => {
    const mailbox = await mailboxWith({ rcpt: (_to, count) => (count <= 2 ? { code: 451, text: 'Later' } : null) })
    const world = await worldWith(mailbox)
    await post(world, mail())
    await world.dispatch()
    expect(await outbox(world)).toMatchObject([{ attempt: 1, note: '451', dueAt: world.clock.now() + MINUTE_MS }])
    world.clock.advance(MINUTE_MS)
    await world.dispatch()
    world.clock.advance(5 * MINUTE_MS)
    await world.dispatch()
    expect(await eventsOf(world)).toEqual([
      ['Deferred', '451'],
      ['Delivered', null],
    ])
    expect(mailbox.mails).toHaveLength(1)
  })

  test('to a server that is not there is given up after ten tries and a day, and kept as failed [O-04]', async () => {
    const gone = await openMailbox()
    await gone.close()
    const world = await worldWith(gone)
    await post(world, mail())
    for (let minute = 0; minute <= 24 * 60; minute++) {
      await world.dispatch()
      world.clock.advance(MINUTE_MS)
    }
    expect(await eventsOf(world)).toEqual([
      ['Deferred', 'ECONNREFUSED'],
      ['Dropped', 'ECONNREFUSED'],
    ])
    expect(await outbox(world, 'failed')).toMatchObject([{ attempt: 10, note: 'ECONNREFUSED' }])
  })

  test.each([
    ['wrong credentials', { user: 'shop', password: 'wrong' }, '535'],
    ['a host that may not be called', { host: '10.0.0.1' }, 'EGRESS_REFUSED'],
    ['a server that cannot encrypt', { tls: 'starttls' }, '500'],
  ])('waits for its operator: %s [O-04]', async (_name, smtp, reason) => {
    const mailbox = await mailboxWith({ account: { user: 'shop', password: 'right' } })
    const world = await worldWith(mailbox, smtp)
    await post(world, mail())
    await world.dispatch()
    expect(await outbox(world)).toMatchObject([{ note: reason }])
    expect(mailbox.mails).toEqual([])
  })

  test('is not sent to a server whose certificate is not trusted [O-04]', async () => {
    const mailbox = await mailboxWith({ offersTls: true })
    const world = await worldWith(mailbox, { tls: 'starttls' })
    await post(world, mail())
    await world.dispatch()
    expect(mailbox.mails).toEqual([])
    expect(await outbox(world)).toHaveLength(1)
  })

  test.each(['', 'nobody', 'a@b.example, c@d.example', 'a@b.example\r\nBcc: c@d.example', 'Ann <a@b.example'])(
    'to %j goes to nobody, or to that one address alone [O-02]',
    async (to) => {
      const mailbox = await mailboxWith()
      const world = await worldWith(mailbox)
      await post(world, mail({ to }))
      await world.dispatch()
      expect(mailbox.mails.every(({ headers }) => !('bcc' in headers))).toBe(true)
      expect(mailbox.mails.length).toBeLessThanOrEqual(1)
      expect((await eventsOf(world))[0]?.[0]).toMatch(/^(Bounce|Delivered)$/)
    },
  )

  test('cannot bring in headers with its subject, nor files of this machine with its text [O-01]', async () => {
    const mailbox = await mailboxWith()
    const world = await worldWith(mailbox)
    await post(world, mail({ subject: 'a\r\nBcc: eve@evil.example', html: '<img src="file:///etc/passwd">' }))
    await world.dispatch()
    expect(mailbox.mails[0]?.headers).not.toHaveProperty('bcc')
    expect(mailbox.mails[0]?.text).not.toContain('root:')
  })
})

describe('a try', () => {
  const sender = (port: number) =>
    emailSender({ from: 'a@b.example', smtp: { host: '127.0.0.1', port, tls: 'none' } }, dial)

  test('ends with its signal, whether the server never greets or never takes the mail [O-05]', async () => {
    const silent = await openSocketReceiver(() => {})
    closers.push(() => silent.close())
    let reached = () => {}
    const arrival = new Promise<void>((resolve) => (reached = resolve))
    const slow = await mailboxWith({ data: () => (reached(), new Promise<void>(() => {})) })
    for (const port of [silent.port, slow.port]) {
      const stop = new AbortController()
      const sent = sender(port).send(mail(), { ...context, signal: stop.signal })
      if (port === slow.port) await arrival
      stop.abort()
      expect(await sent).toMatchObject({ type: 'later', isUp: false })
    }
  })

  test('names where to unsubscribe, by one click (RFC 8058) and in its text [O-10]', async () => {
    const mailbox = await mailboxWith()
    const unsubscribe = 'https://plums.example/unsubscribe/x.y'
    const addresses = { unsubscribe, open: '', click: () => '' }
    const one = sender(mailbox.port)
    await one.send(mail({ text: `Leave: ${UNSUBSCRIBE_PLACEHOLDER}` }), { ...context, addresses })
    one.close?.()
    expect(mailbox.mails[0]?.headers).toMatchObject({
      'list-unsubscribe': `<${unsubscribe}>`,
      'list-unsubscribe-post': 'List-Unsubscribe=One-Click',
    })
    expect(mailbox.mails[0]?.text).toContain(`Leave: ${unsubscribe}`)
  })
})
