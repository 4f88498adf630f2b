import { createDecipheriv, createECDH, createPublicKey, type ECDH, hkdfSync, randomBytes } from 'node:crypto'
import { MINUTE_MS } from '@damson/core'
import { jwtVerify } from 'jose'
import { afterEach, expect, test } from 'vitest'
import type { WebPushPart } from '../engine/messages/outgoing.ts'
import { type Behaviour, localEgress, openReceiver, type Receiver } from '../testing/receiver.ts'
import { createTestServer, type TestServer } from '../testing/test-server.ts'
import { eventsOf, outbox, post } from './fixtures/outbox.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

/** A browser's own half: what it subscribed with, and how it reads what comes (RFC 8291, by hand, from its text). */
interface Browser {
  readonly p256dh: string
  readonly auth: string
  read(body: Buffer): string
}

function newBrowser(curve: ECDH = createECDH('prime256v1'), secret: Buffer = randomBytes(16)): Browser {
  if (curve.getPrivateKey === undefined) throw new Error('unreachable')
  try {
    curve.getPublicKey()
  } catch {
    curve.generateKeys()
  }
  const own = curve.getPublicKey()
  const derive = (key: Buffer, salt: Buffer, info: Buffer, length: number) =>
    Buffer.from(hkdfSync('sha256', key, salt, info, length))
  return {
    p256dh: own.toString('base64url'),
    auth: secret.toString('base64url'),
    read(body) {
      const salt = body.subarray(0, 16)
      const idLength = body[20] ?? 0
      const sender = body.subarray(21, 21 + idLength)
      const sealed = body.subarray(21 + idLength)
      const info = Buffer.concat([Buffer.from('WebPush: info\0'), own, sender])
      const ikm = derive(curve.computeSecret(sender), secret, info, 32)
      const key = derive(ikm, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16)
      const nonce = derive(ikm, salt, Buffer.from('Content-Encoding: nonce\0'), 12)
      const opening = createDecipheriv('aes-128-gcm', key, nonce)
      opening.setAuthTag(sealed.subarray(-16))
      const padded = Buffer.concat([opening.update(sealed.subarray(0, -16)), opening.final()])
      return padded.subarray(0, padded.lastIndexOf(2)).toString()
    },
  }
}

function vapidPair() {
  const curve = createECDH('prime256v1')
  curve.generateKeys()
  return { publicKey: curve.getPublicKey('base64url'), privateKey: curve.getPrivateKey('base64url') }
}

const keys = vapidPair()
const browser = newBrowser()

async function start(behave?: Behaviour): Promise<{ world: TestServer; service: Receiver; part: WebPushPart }> {
  const service = await openReceiver(behave ?? ((response) => response.writeHead(201).end()))
  const webPush = { subject: 'mailto:shop@plums.example', ...keys, ttlSeconds: 60 }
  const world = await createTestServer({ egress: localEgress(), messaging: { app_test: { webPush } } })
  closers.push(
    () => service.close(),
    () => world.close(),
  )
  const endpoint = `${service.origin}/push/secret-of-a-browser`
  const webPushSubscription = JSON.stringify({ endpoint, key: browser.p256dh, auth: browser.auth })
  await world.call('setDeviceAttributes', { userId: 'ann', deviceId: 'laptop', webPushSubscription })
  const payload = JSON.stringify({ title: 'Plums, half price 🍑' })
  const subscription = { endpoint, keys: { p256dh: browser.p256dh, auth: browser.auth } }
  return { world, service, part: { channel: 'webPush', subscription, payload } }
}

const subscriptionOf = async (world: TestServer) => {
  for await (const { devices } of world.store.profiles('app_test')) return devices['laptop']?.['webPushSubscription']
  return undefined
}

test('the example of RFC 8291 is read by the hand-written half that reads the rest', () => {
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(Buffer.from('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94', 'base64url'))
  const body =
    'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN'
  const secret = Buffer.from('BTBZMqHH6r4Tts7J_aSIgg', 'base64url')
  expect(newBrowser(curve, secret).read(Buffer.from(body, 'base64url'))).toBe(
    'When I grow up, I want to be a watermelon',
  )
})

test('a push is encrypted for its browser alone, and signed for its push service [O-06]', async () => {
  const { world, service, part } = await start()
  await post(world, part, { deviceId: 'laptop' })
  await post(world, part, { deviceId: 'laptop', id: 'msg_2' })
  await world.dispatch()
  expect(service.received).toHaveLength(2)
  const [first, second] = service.received as [(typeof service.received)[0], (typeof service.received)[0]]
  expect(browser.read(first.bytes)).toBe(part.payload)
  expect(first.body).not.toContain('Plums')
  expect(() => newBrowser().read(first.bytes)).toThrow('unable to authenticate data')
  expect(first.headers).toMatchObject({ ttl: '60', urgency: 'normal', 'content-encoding': 'aes128gcm' })
  expect(first.headers['topic']).toMatch(/^[\w-]{32}$/)
  expect(first.headers['topic']).not.toBe(second.headers['topic'])

  const [, token = '', key] = /^vapid t=(\S+), k=(\S+)$/.exec(first.headers.authorization ?? '') ?? []
  expect(key).toBe(keys.publicKey)
  const point = Buffer.from(keys.publicKey, 'base64url')
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')]
  const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' })
  const currentDate = new Date(world.clock.now())
  const { payload } = await jwtVerify(token, publicKey, {
    audience: service.origin,
    algorithms: ['ES256'],
    currentDate,
  })
  expect(payload.sub).toBe('mailto:shop@plums.example')
  // Whether a browser shows it nobody tells us: there is no event, and nothing is left to be sent.
  expect(await eventsOf(world)).toEqual([])
  expect(await outbox(world)).toEqual([])
})

test.each([404, 410])(
  'a subscription that is gone (%i) bounces, and is removed from its device [O-07]',
  async (status) => {
    const { world, part } = await start((response) => response.writeHead(status).end())
    await post(world, part, { deviceId: 'laptop' })
    await world.dispatch()
    expect(await eventsOf(world)).toEqual([['Bounce', `answered ${status}`]])
    expect(await subscriptionOf(world)).toBeUndefined()
    expect(await outbox(world)).toEqual([])
  },
)

test('a newer subscription of the device stays when an older one is gone [O-07]', async () => {
  const { world, part } = await start((response) => response.writeHead(410).end())
  const webPushSubscription = JSON.stringify({ endpoint: 'https://push.example/new', key: 'k', auth: 'a' })
  await world.call('setDeviceAttributes', { userId: 'ann', deviceId: 'laptop', webPushSubscription })
  await post(world, part, { deviceId: 'laptop' })
  await world.dispatch()
  expect(await subscriptionOf(world)).toBe(webPushSubscription)
})

test('a push service that wants to be left alone is, as long as it says [O-08]', async () => {
  const { world, part } = await start((response) => response.writeHead(429, { 'retry-after': '600' }).end())
  await post(world, part, { deviceId: 'laptop' })
  await world.dispatch()
  expect(await outbox(world)).toMatchObject([{ dueAt: world.clock.now() + 10 * MINUTE_MS, note: 'answered 429' }])
})

test.each([
  ['what a push service refuses', {}, 'answered 403'],
  ['what is too large', { payload: 'x'.repeat(4_000) }, 'too large'],
])('%s is dropped, and kept as failed [O-08]', async (_name, more, reason) => {
  const { world, part } = await start((response) => response.writeHead(403).end())
  await post(world, { ...part, ...more }, { deviceId: 'laptop' })
  await world.dispatch()
  expect(await eventsOf(world)).toEqual([['Dropped', reason]])
  expect(await outbox(world, 'failed')).toMatchObject([{ note: reason }])
})

test.each([
  ['keys that are none', { p256dh: 'AAAA', auth: 'BBBB' }, 'Bounce'],
  ['an endpoint inside our network', 'http://10.0.0.1/push', 'Dropped'],
  ['an endpoint that is no URL', 'push', 'Dropped'],
])('a subscription with %s leads nowhere [O-08]', async (_name, wrong, event) => {
  const { world, part } = await start()
  const { subscription } = part
  const changed = typeof wrong === 'string' ? { ...subscription, endpoint: wrong } : { ...subscription, keys: wrong }
  await post(world, { ...part, subscription: changed }, { deviceId: 'laptop' })
  await world.dispatch()
  expect((await eventsOf(world)).map(([name]) => name)).toEqual([event])
})
