import { generateKeyPairSync } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import type { MessageSource } from '../content/messages/source.ts'
import { createDial } from '../services/dial.ts'
import { localEgress, openReceiver } from '../testing/receiver.ts'
import { createTestServer } from '../testing/test-server.ts'
import { openMailbox } from './fixtures/mailbox.ts'
import { outbox } from './fixtures/outbox.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

const message = (more: Pick<MessageSource, 'channel' | 'content'>): MessageSource => ({
  name: 'Plums',
  state: 'active',
  ...more,
})

test('from content to people: sendMessage on every channel, what became of it, and who is told [O-01] [O-06] [O-09]', async () => {
  const mailbox = await openMailbox()
  const web = await openReceiver((response, _count, { url }) => {
    if (url === '/token') response.writeHead(200).end('{"access_token":"x","expires_in":3600}')
    else response.writeHead(url === '/push' ? 201 : 200).end('{}')
  })
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const world = await createTestServer({
    egress: localEgress(),
    dial: createDial({ allowPrivateDestinations: ['loopback'] }),
    publicUrl: 'https://plums.example',
    masterKeys: ['a master key for tests, thirty-two characters'],
    messaging: {
      app_test: {
        email: { from: 'shop@plums.example', smtp: { host: '127.0.0.1', port: mailbox.port, tls: 'none' } },
        fcm: {
          baseUrl: web.origin,
          serviceAccount: {
            project_id: 'plums',
            client_email: 'x',
            private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
            token_uri: `${web.origin}/token`,
          },
        },
      },
    },
  })
  closers.push(
    () => mailbox.close(),
    () => web.close(),
    () => world.close(),
  )
  const html = '<p>{{ userAttribute.name }}, <a href="{{ unsubscribeUrl }}">leave</a></p>'
  const plan = await world.server.engine.applyContent('app_test', {
    messages: {
      1: message({ channel: 'email', content: { subject: 'For {{ userAttribute.name }}', html } }),
      2: message({ channel: 'push', content: { title: 'Plums', text: 'Half price' } }),
      3: message({ channel: 'webhook', content: { url: `${web.origin}/in`, body: { who: '{{ userId }}' } } }),
    },
  })
  expect(plan).toMatchObject({ ok: true })
  await world.call('addPostback', { postbackUrl: `${web.origin}/told?{{Message channel}}={{Message event}}` })
  const ann = { userId: 'ann', deviceId: 'phone' }
  await world.call('setUserAttributes', { ...ann, userAttributes: { email: 'ann@home.example', name: '<Ann>' } })
  await world.call('setDeviceAttributes', { ...ann, gcmRegistrationId: 'token-1' })
  for (const messageId of [1, 2, 3])
    expect(await world.call('sendMessage', { ...ann, messageId })).toMatchObject({ messagesSent: 1 })
  await world.dispatch()

  expect(mailbox.mails.map(({ to, headers }) => [to, headers['subject']])).toEqual([['ann@home.example', 'For <Ann>']])
  const text = mailbox.mails[0]!.text.replaceAll(/=\r\n/g, '').replaceAll('=3D', '=')
  expect(text).toContain('<p>&lt;Ann&gt;, <a href="https://plums.example/unsubscribe/')
  expect(text).not.toContain('unsubscribe.invalid')
  const called = (path: string) => web.received.filter((one) => one.path.startsWith(path))
  expect(called('/in').map(({ method, body }) => [method, body])).toEqual([['POST', '{"who":"ann"}']])
  expect(called('/v1/projects/plums/messages:send')).toHaveLength(1)
  const names = (await world.entries('app_test', 'ann')).flatMap((entry) =>
    entry.kind === 'event' ? [entry.name] : [],
  )
  expect(names.toSorted()).toEqual(['.m1', '.m1 Delivered', '.m2', '.m3', '.m3 Delivered'])
  expect(
    called('/told')
      .map(({ path }) => path.slice('/told?'.length))
      .toSorted(),
  ).toEqual(['Email=Delivered', 'Email=Send', 'Push%20Notification=Send'])
  expect(await outbox(world)).toEqual([])
})
