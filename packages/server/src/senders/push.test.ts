import { generateKeyPairSync } from 'node:crypto'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { MINUTE_MS } from '@damson/core'
import { jwtVerify } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import type { ApnsPart, FcmPart } from '../engine/messages/outgoing.ts'
import { localEgress, openReceiver } from '../testing/receiver.ts'
import { createTestServer, type TestServer } from '../testing/test-server.ts'
import { apnsSender } from './apns.ts'
import { eventsOf, outbox, post } from './fixtures/outbox.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
})

async function worldWith(messaging: object, device: object): Promise<TestServer> {
  const world = await createTestServer({ egress: localEgress(), messaging: { app_test: messaging } })
  closers.push(() => world.close())
  await world.call('setDeviceAttributes', { userId: 'ann', deviceId: 'phone', ...device })
  return world
}
const deviceOf = async (world: TestServer) => {
  for await (const { devices } of world.store.profiles('app_test')) return devices['phone']
  return undefined
}

describe('FCM', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const part: FcmPart = {
    channel: 'fcm',
    token: 'token-1',
    notification: { title: 'Plums' },
    data: { messageId: '7' },
    androidChannelId: 'c1',
  }

  interface Said {
    readonly status: number
    readonly body?: object
  }

  /** Google, as far as we need it: a token service, and FCM, which says what it is told to say. */
  async function start(says: (count: number) => Said = () => ({ status: 200, body: { name: 'x' } })) {
    let count = 0
    const google = await openReceiver((response, _number, { url }) => {
      const isToken = url === '/token'
      const { status, body } = isToken
        ? { status: 200, body: { access_token: `access-${(count += 0)}`, expires_in: 3600 } }
        : says((count += 1))
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}))
    })
    closers.push(() => google.close())
    const serviceAccount = {
      project_id: 'plums',
      client_email: 'shop@plums.iam.example',
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      token_uri: `${google.origin}/token`,
    }
    const world = await worldWith({ fcm: { serviceAccount, baseUrl: google.origin } }, { gcmRegistrationId: 'token-1' })
    return { world, google }
  }

  test('gets messages with a token that our signature was exchanged for, once for many [O-06]', async () => {
    const { world, google } = await start()
    for (let number = 0; number < 3; number++) await post(world, part, { deviceId: 'phone', id: `msg_${number}` })
    await world.dispatch()
    const [asked, ...sent] = google.received
    expect(sent.map(({ path }) => path)).toEqual(Array<string>(3).fill('/v1/projects/plums/messages:send'))
    const assertion = new URLSearchParams(asked?.body).get('assertion') ?? ''
    const { payload } = await jwtVerify(assertion, publicKey, {
      audience: `${google.origin}/token`,
      issuer: 'shop@plums.iam.example',
      currentDate: new Date(world.clock.now()),
    })
    expect(payload['scope']).toBe('https://www.googleapis.com/auth/firebase.messaging')
    expect(sent[0]?.headers.authorization).toBe('Bearer access-0')
    expect(JSON.parse(sent[0]?.body ?? '')).toMatchObject({
      message: {
        token: 'token-1',
        notification: { title: 'Plums' },
        data: { messageId: '7' },
        android: { notification: { channel_id: 'c1' } },
      },
    })
    expect(await outbox(world)).toEqual([])
  })

  const fcmError = (errorCode: string) => ({
    error: { details: [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode }] },
  })
  const badToken = { error: { details: [{ fieldViolations: [{ field: 'message.token' }] }] } }

  test.each([
    ['UNREGISTERED', { status: 404, body: fcmError('UNREGISTERED') }],
    ['SENDER_ID_MISMATCH', { status: 403, body: fcmError('SENDER_ID_MISMATCH') }],
    ['answered 400', { status: 400, body: badToken }],
  ])('refuses a token (%s): it bounces, and is removed from its device [O-07]', async (reason, said) => {
    const { world } = await start(() => said)
    await post(world, part, { deviceId: 'phone' })
    await world.dispatch()
    expect(await eventsOf(world)).toEqual([['Bounce', reason]])
    expect(await deviceOf(world)).not.toHaveProperty('gcmRegistrationId')
  })

  test('whose answer is that our token has ended is asked again with a new one [O-08]', async () => {
    const { world, google } = await start((count) => ({ status: count === 1 ? 401 : 200 }))
    await post(world, part, { deviceId: 'phone' })
    await world.dispatch()
    world.clock.advance(MINUTE_MS)
    await world.dispatch()
    expect(google.received.map(({ path }) => path)).toEqual([
      '/token',
      '/v1/projects/plums/messages:send',
      '/token',
      '/v1/projects/plums/messages:send',
    ])
    expect(await outbox(world)).toEqual([])
  })

  test.each([
    [503, 'waiting', 'answered 503'],
    [429, 'waiting', 'answered 429'],
    [400, 'failed', 'answered 400'],
  ] as const)('that answers %i leaves the message %s [O-08]', async (status, list, note) => {
    const { world } = await start(() => ({ status }))
    await post(world, part, { deviceId: 'phone' })
    await world.dispatch()
    expect(await outbox(world, list)).toMatchObject([{ note }])
    expect(await deviceOf(world)).toHaveProperty('gcmRegistrationId')
  })
})

describe('APNs', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const token = 'ab'.repeat(32)
  const part: ApnsPart = { channel: 'apns', token, payload: { aps: { alert: 'Plums' } } }

  interface Call {
    readonly headers: http2.IncomingHttpHeaders
    readonly body: string
  }

  /** A real HTTP/2 server of this machine, without TLS; `null`: it never answers. */
  async function start(says: () => { status: number; reason?: string } | null = () => ({ status: 200 })) {
    const calls: Call[] = []
    const sessions = new Set<http2.ServerHttp2Session>()
    let connections = 0
    let heard = () => {}
    const first = new Promise<void>((resolve) => (heard = resolve))
    const server = http2.createServer()
    server.on('session', (session) => {
      connections += 1
      sessions.add(session)
    })
    server.on('stream', (stream, headers) => {
      const chunks: Buffer[] = []
      stream.on('error', () => {})
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        calls.push({ headers, body: Buffer.concat(chunks).toString() })
        heard()
        const said = says()
        if (said === null) return
        stream.respond({ ':status': said.status })
        stream.end(said.reason === undefined ? '' : JSON.stringify({ reason: said.reason }))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closers.push(
      () =>
        new Promise((resolve) => {
          for (const session of sessions) session.destroy()
          server.close(resolve)
        }),
    )
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const apns = { key, keyId: 'KEYKEYKEY1', teamId: 'TEAMTEAM12', topic: 'example.plums', baseUrl }
    return { apns, calls, first, sessions, connections: () => connections }
  }
  const deliver = async (apple: Awaited<ReturnType<typeof start>>) => {
    const world = await worldWith({ apns: apple.apns }, { iosPushToken: token })
    await post(world, part, { deviceId: 'phone' })
    await world.dispatch()
    return world
  }

  test('gets messages over one connection, signed by our key [O-06]', async () => {
    const apple = await start()
    const world = await worldWith({ apns: apple.apns }, { iosPushToken: token })
    for (let number = 0; number < 20; number++) await post(world, part, { deviceId: 'phone', id: `msg_${number}` })
    await world.dispatch()
    expect(apple.calls).toHaveLength(20)
    expect(apple.connections()).toBe(1)
    const { headers, body } = apple.calls[0]!
    expect(body).toBe('{"aps":{"alert":"Plums"}}')
    expect(headers).toMatchObject({
      ':path': `/3/device/${token}`,
      'apns-topic': 'example.plums',
      'apns-push-type': 'alert',
      'apns-priority': '10',
    })
    expect(headers['apns-id']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(apple.calls.map((call) => call.headers['apns-collapse-id'])).size).toBe(20)
    expect(new Set(apple.calls.map((call) => call.headers.authorization)).size).toBe(1)
    const jwt = String(headers.authorization).replace(/^bearer /, '')
    const { payload, protectedHeader } = await jwtVerify(jwt, publicKey, { currentDate: new Date(world.clock.now()) })
    expect(protectedHeader).toMatchObject({ alg: 'ES256', kid: 'KEYKEYKEY1' })
    expect(payload.iss).toBe('TEAMTEAM12')
    expect(await outbox(world)).toEqual([])
  })

  test.each([
    [410, 'Unregistered'],
    [400, 'BadDeviceToken'],
    [400, 'DeviceTokenNotForTopic'],
  ])('refuses a token (%i %s): it bounces, and is removed from its device [O-07]', async (status, reason) => {
    const world = await deliver(await start(() => ({ status, reason })))
    expect(await eventsOf(world)).toEqual([['Bounce', reason]])
    expect(await deviceOf(world)).not.toHaveProperty('iosPushToken')
  })

  test.each([
    [503, 'Shutdown', 'waiting', 'answered 503'],
    [429, 'TooManyRequests', 'waiting', 'answered 429'],
    [403, 'ExpiredProviderToken', 'waiting', 'ExpiredProviderToken'],
    [413, 'PayloadTooLarge', 'failed', 'PayloadTooLarge'],
  ] as const)('that answers %i %s leaves the message %s [O-08]', async (status, reason, list, note) => {
    const world = await deliver(await start(() => ({ status, reason })))
    expect(await outbox(world, list)).toMatchObject([{ note }])
    expect(await deviceOf(world)).toHaveProperty('iosPushToken')
  })

  test('that never answers is let go of with the try, and a connection that broke is made anew [O-05]', async () => {
    const hanging = await start(() => null)
    const stop = new AbortController()
    const context = { id: 'msg_1', at: 0, signal: stop.signal, addresses: null }
    const sent = apnsSender(hanging.apns, localEgress()).send(part, context)
    await hanging.first
    stop.abort()
    await expect(sent).rejects.toMatchObject({ code: 'EGRESS_FAILED', isRetryable: true })

    const apple = await start()
    const world = await deliver(apple)
    const ended = [...apple.sessions].map((one) => new Promise((resolve) => one.once('close', resolve)))
    for (const session of apple.sessions) session.destroy()
    await Promise.all(ended)
    await post(world, part, { deviceId: 'phone', id: 'msg_2' })
    for (let minute = 0; minute < 2; minute++) {
      await world.dispatch()
      world.clock.advance(MINUTE_MS)
    }
    expect(apple.calls).toHaveLength(2)
    expect(await outbox(world)).toEqual([])
  })

  test('inside our own network is not called', async () => {
    const apns = { ...(await start()).apns, baseUrl: 'http://10.0.0.1' }
    const world = await worldWith({ apns }, { iosPushToken: token })
    await post(world, part, { deviceId: 'phone' })
    await world.dispatch()
    expect(await eventsOf(world)).toEqual([['Dropped', 'EGRESS_REFUSED']])
  })
})
