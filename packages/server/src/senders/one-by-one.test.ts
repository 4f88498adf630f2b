import { afterEach, expect, test } from 'vitest'
import { createDial } from '../services/dial.ts'
import { createTestServer } from '../testing/test-server.ts'
import { openMailbox } from './fixtures/mailbox.ts'
import { eventsOf, post } from './fixtures/outbox.ts'
import { createSmtpPool } from './smtp-pool.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

/** Sends twelve mails on four connections; tells how many at a time were with the mailbox whole and not yet answered for. */
async function mostAtOnce(oneByOne: boolean) {
  let now = 0
  let most = 0
  const mailbox = await openMailbox({
    data: async () => {
      most = Math.max(most, (now += 1))
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      now -= 1
    },
  })
  closers.push(() => mailbox.close())
  const smtp = { host: '127.0.0.1', port: mailbox.port, tls: 'none', connections: 4, oneByOne } as const
  const dial = createDial({ allowPrivateDestinations: ['loopback'] })
  const world = await createTestServer({ dial, messaging: { app_test: { email: { from: 'a@b.example', smtp } } } })
  closers.push(() => world.close())
  await world.call('setUserAttributes', { userId: 'ann' })
  for (let number = 0; number < 12; number += 1) {
    const part = { channel: 'email', to: `${number}@home.example`, subject: 'Hello', html: 'Hello' } as const
    await post(world, part, { id: `msg_${number}` })
  }
  await world.dispatch()
  expect(await eventsOf(world)).toEqual(Array.from({ length: 12 }, () => ['Delivered', null]))
  expect(new Set(mailbox.mails.map(({ to }) => to)).size).toBe(12)
  expect(mailbox.connections).toBe(4)
  return most
}

test('with oneByOne mails are prepared on all connections, and one at a time is finished [O-30]', async () => {
  expect(await mostAtOnce(true)).toBe(1)
  expect(await mostAtOnce(false), 'without it, so many as there are connections').toBeGreaterThan(1)
})

test('a mail that is broken off before its last line was never taken; the next one is [O-30]', async () => {
  const mailbox = await openMailbox()
  closers.push(() => mailbox.close())
  const dial = createDial({ allowPrivateDestinations: ['loopback'] })
  const pool = createSmtpPool({ host: '127.0.0.1', port: mailbox.port, tls: 'none' }, dial)
  const mail = { from: 'a@b.example', to: 'ann@home.example' }
  const broken = new AbortController()
  const waits = () => {
    broken.abort(new Error('broken off'))
    return new Promise<void>(() => undefined)
  }
  const text = Buffer.from('Subject: one\r\n\r\nHello')
  await expect(pool.send(mail, text, broken.signal, waits)).rejects.toThrow('broken off')
  await pool.send(mail, Buffer.from('Subject: two\r\n\r\nHello'), new AbortController().signal, () => Promise.resolve())
  pool.close()
  expect(mailbox.mails.map(({ headers }) => headers['subject'])).toEqual(['two'])
})
