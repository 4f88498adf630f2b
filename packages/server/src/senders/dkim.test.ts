import { generateKeyPairSync } from 'node:crypto'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { afterEach, describe, expect, test } from 'vitest'
import { createDial } from '../services/dial.ts'
import { emailSender } from './email.ts'
import { openMailbox } from './fixtures/mailbox.ts'
import { checkedSettings, type MessagingSettings } from './settings.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const dkim = { domain: 'plums.example', selector: 'mail2026', privateKey: pem }

const asked: string[] = []
/** The DNS is a fake: what is judged is the signature, by a library that makes none of ours. */
const resolver = (name: string) => {
  asked.push(name)
  return Promise.resolve([
    [`v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`],
  ])
}
const verified = async (mail: string) =>
  (await dkimVerify(Buffer.from(mail), { resolver })).results.map(({ signingDomain, selector, status }) => ({
    domain: signingDomain,
    selector,
    result: status.result,
  }))
/** The fields that a signature names. */
const fieldsOf = (mail: string) =>
  /^DKIM-Signature:[^]*?\sh=([^;]+);/m.exec(mail)?.[1]?.replaceAll(/\s/g, '').split(':')

async function received(settings: Partial<NonNullable<MessagingSettings['email']>>): Promise<string> {
  const mailbox = await openMailbox()
  closers.push(() => mailbox.close())
  const smtp = { host: '127.0.0.1', port: mailbox.port, tls: 'none' } as const
  const { email } = checkedSettings('shop', { email: { from: 'The plums <shop@plums.example>', smtp, ...settings } })
  const sender = emailSender(email!, createDial({ allowPrivateDestinations: ['loopback'] }))
  const outcome = await sender.send(
    {
      channel: 'email',
      to: 'ann@home.example',
      subject: 'Pflaumen — halb so teuer',
      // Lines that SMTP and DKIM have their own opinions of.
      html: '<p>Grüße</p>\n.\n..\n  \t \n<p>x</p>   \n\n\n',
      text: '.\nHello  \n',
      links: [],
    },
    {
      id: 'msg_1',
      at: 1_700_000_000_000,
      signal: new AbortController().signal,
      addresses: {
        unsubscribe: 'https://plums.example/unsubscribe/x.y',
        open: 'https://plums.example/open/x',
        click: () => '',
      },
    },
  )
  sender.close?.()
  expect(outcome).toEqual({ type: 'delivered' })
  return mailbox.mails[0]!.text
}

describe('a mail with dkim', () => {
  test('is signed for its domain, headers for one click included, and can be verified as it arrives [O-20]', async () => {
    const mail = await received({ dkim, replyTo: 'help@plums.example' })
    const [signature, ...others] = await verified(mail)
    expect(others).toEqual([])
    expect(signature).toMatchObject({ domain: 'plums.example', selector: 'mail2026', result: 'pass' })
    expect(asked).toContain('mail2026._domainkey.plums.example')
    const names = [
      'from',
      'reply-to',
      'to',
      'subject',
      'date',
      'message-id',
      'list-unsubscribe',
      'list-unsubscribe-post',
    ]
    expect(fieldsOf(mail)).toEqual(expect.arrayContaining(names))
  })

  test.each([
    ['its text', (mail: string) => mail.replace('Hello', 'Goodbye')],
    ['its subject', (mail: string) => mail.replace('Subject: ', 'Subject: Re: ')],
    ['where to unsubscribe', (mail: string) => mail.replace('unsubscribe/x.y', 'unsubscribe/z')],
  ])('is no more so once somebody changed %s [O-20]', async (_name, change) => {
    const mail = await received({ dkim })
    expect((await verified(mail)).map(({ result }) => result)).toEqual(['pass'])
    expect(change(mail)).not.toBe(mail)
    expect((await verified(change(mail))).map(({ result }) => result)).not.toContain('pass')
  })

  test('is one thing, and a mail without it another [O-20]', async () => {
    expect(await received({})).not.toMatch(/dkim-signature/i)
  })
})

const short = generateKeyPairSync('rsa', { modulusLength: 1023 }).privateKey.export({ type: 'pkcs1', format: 'pem' })
const curve = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })

describe('a setting of dkim that is wrong', () => {
  test.each([
    ['privateKey', { ...dkim, privateKey: 'very secret' }, 'expected an RSA key'],
    ['privateKey', { ...dkim, privateKey: `${pem.slice(0, 200)}\nvery secret` }, 'expected an RSA key'],
    ['privateKey', { ...dkim, privateKey: short.toString() }, 'of 1024 bits or more'],
    ['privateKey', { ...dkim, privateKey: curve.toString() }, 'expected an RSA key'],
    ['privateKey', { domain: 'plums.example', selector: 'mail2026' }, 'expected string'],
    ['selector', { domain: 'plums.example', privateKey: pem }, 'expected string'],
    ['selector', { ...dkim, selector: 'a; d=evil.example' }, 'expected the name of a key in the DNS'],
    ['domain', { ...dkim, domain: 'plums' }, 'expected a domain such as example.com'],
  ])('ends the start with its name, and not with what stands in it: %s [O-20]', (field, wrong, reason) => {
    const settings = {
      email: { from: 'a@b.example', smtp: { host: 'smtp.example' }, dkim: wrong },
    } as MessagingSettings
    let message = ''
    try {
      checkedSettings('shop', settings)
    } catch (error) {
      message = String(error)
    }
    expect(message).toContain(`messaging.shop.email.dkim.${field}: `)
    expect(message).toContain(reason)
    expect(message).not.toMatch(/very secret|BEGIN|evil/)
  })
})
