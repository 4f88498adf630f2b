import { createHmac } from 'node:crypto'
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '@damson/core'
import { expect, test } from 'vitest'
import { all } from '../conformance/turns.ts'
import type { NewApp } from '../new-app.ts'
import { type Behaviour, localEgress, openReceiver, openSocketReceiver, type Receiver } from '../testing/receiver.ts'
import { createTestServer, TEST_APP } from '../testing/test-server.ts'

/** When the ten tries of what is never taken are made. Hours. */
const WHOLE_SCHEDULE = [0, 1, 3, 7, 15, 25, 35, 45, 55, 65]

interface Animal {
  /** Hours after the event. */
  readonly tries: readonly number[]
  /** What people read about it in the end; `null`: it was delivered. */
  readonly note: unknown
  readonly open: () => Promise<Receiver>
  readonly scheme?: 'https'
}

const ANIMALS: Readonly<Record<string, Animal>> = {
  ...Object.fromEntries([200, 201, 204].map((status) => [`answers ${status}`, once(status, null)])),
  ...Object.fromEntries(
    [400, 401, 404, 410, 429].map((status) => [`answers ${status}`, once(status, `answered ${status}`)]),
  ),
  ...Object.fromEntries(
    [301, 302, 307, 308].map((status) => [
      `answers ${status}`,
      once(status, `answered ${status}; redirects are not followed`),
    ]),
  ),
  ...Object.fromEntries([500, 501, 502, 503, 504, 599].map((status) => [`answers ${status}`, always(status)])),
  'comes back at the third try': { tries: [0, 1, 3], note: null, open: () => openReceiver(flapping([503, 502, 200])) },
  'takes the tenth try': {
    tries: WHOLE_SCHEDULE,
    note: null,
    open: () => openReceiver(flapping([...Array<number>(9).fill(500), 200])),
  },
  'refuses for good after a failure': {
    tries: [0, 1],
    note: 'answered 404',
    open: () => openReceiver(flapping([503, 404])),
  },
  hangs: { tries: WHOLE_SCHEDULE, note: 'no answer in time', open: () => openReceiver(() => {}) },
  'drips its head': {
    tries: WHOLE_SCHEDULE,
    note: 'no answer in time',
    open: () => openSocketReceiver((socket) => void socket.write('H')),
  },
  'drips its body': {
    tries: [0],
    note: null,
    open: () => openReceiver((response) => void response.writeHead(200).write('1')),
  },
  'answers a gigabyte': { tries: [0], note: null, open: () => openReceiver(gigabyte) },
  'lies about its length': {
    tries: [0],
    note: null,
    open: () => openSocketReceiver((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx')),
  },
  'tears the connection': {
    tries: WHOLE_SCHEDULE,
    note: 'ECONNRESET',
    open: () => openReceiver((_response, _count, request) => request.socket.resetAndDestroy()),
  },
  'closes without a word': {
    tries: WHOLE_SCHEDULE,
    note: 'ECONNRESET',
    open: () => openSocketReceiver((socket) => socket.end()),
  },
  'speaks no HTTP': {
    tries: WHOLE_SCHEDULE,
    note: expect.stringMatching('HPE_'),
    open: () => openSocketReceiver((socket) => socket.end('EHLO example\r\n')),
  },
  'speaks no TLS': {
    tries: WHOLE_SCHEDULE,
    note: 'EPROTO',
    scheme: 'https',
    open: () => openSocketReceiver((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n')),
  },
}

const MASTER_KEY = 'a master key for tests, thirty-two characters'

test('over a virtual 65 hours every receiver gets exactly the tries it should, and none after it took one [P-10]', async () => {
  const apps = Object.keys(ANIMALS).map((appId): NewApp => ({ ...TEST_APP, appId }))
  const egress = localEgress({ timeoutMs: 250 })
  const world = await createTestServer({ apps, egress, masterKeys: [MASTER_KEY] })
  const start = world.clock.now()
  const receivers = new Map<string, Receiver>()
  const secrets = new Map<string, string>()
  for (const [appId, { open, scheme }] of Object.entries(ANIMALS)) {
    const receiver = await open()
    receivers.set(appId, receiver)
    const postbackUrl = `${scheme ?? 'http'}://127.0.0.1:${receiver.port}/x?user={{User ID}}`
    const { signingSecret } = await world.call('addPostback', { appId, postbackUrl })
    secrets.set(appId, signingSecret as string)
    await world.call('track', { appId, userId: 'ann', messageId: 1, event: 'Open' })
  }

  const triedAt = new Map<string, number[]>(apps.map(({ appId }) => [appId, []]))
  for (let minute = 0; minute <= 66 * 60; minute += 1) {
    world.clock.set(start + minute * MINUTE_MS)
    await world.dispatch()
    for (const [appId, { received }] of receivers) {
      const hours = triedAt.get(appId) ?? []
      while (hours.length < received.length) hours.push(minute / 60)
    }
  }

  const outcomes = await Promise.all(
    Object.keys(ANIMALS).map(async (appId) => {
      expect(await all(world.store.deliveries({ appId, kind: 'postback', status: 'waiting' }))).toEqual([])
      const [failed] = await all(world.store.deliveries({ appId, kind: 'postback', status: 'failed' }))
      return [appId, { tries: triedAt.get(appId), note: failed?.note ?? null }]
    }),
  )
  const expected = Object.entries(ANIMALS).map(([appId, { tries, note }]) => [appId, { tries, note }])
  expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(expected))

  for (const [appId, { received }] of receivers) {
    const whole = received.filter(({ method }) => method !== '')
    expect(new Set(whole.map(({ headers }) => headers['webhook-id'])).size).toBeLessThanOrEqual(1)
    for (const [index, { method, path, headers, body }] of whole.entries()) {
      expect([method, path]).toEqual(['POST', '/x?user=ann'])
      const at = start + (triedAt.get(appId)?.[index] ?? -1) * HOUR_MS
      expect(headers['webhook-timestamp']).toBe(String(at / SECOND_MS))
      const key = Buffer.from(secrets.get(appId)!.replace('whsec_', ''), 'base64')
      const content = `${String(headers['webhook-id'])}.${at / SECOND_MS}.${body}`
      const signature = createHmac('sha256', key).update(content).digest('base64')
      expect(headers['webhook-signature']).toBe(`v1,${signature}`)
    }
  }
  await Promise.all([...receivers.values()].map((receiver) => receiver.close()))
  await world.close()
}, 300_000)

function once(status: number, note: string | null): Animal {
  const headers = { location: '/elsewhere', 'retry-after': '1' }
  return { tries: [0], note, open: () => openReceiver((response) => response.writeHead(status, headers).end()) }
}

function always(status: number): Animal {
  const open = () => openReceiver((response) => response.writeHead(status, { 'retry-after': '1' }).end('sorry'))
  return { tries: WHOLE_SCHEDULE, note: `answered ${status}`, open }
}

/** One status after the other; after the last one, one that would be tried again. */
function flapping(statuses: readonly number[]): Behaviour {
  return (response, count) => response.writeHead(statuses[count - 1] ?? 500).end()
}

const gigabyte: Behaviour = (response) => {
  let written = 0
  const more = () => {
    while (written < 1e9 && !response.destroyed && response.write(Buffer.alloc(65_536))) written += 65_536
  }
  response.on('drain', more)
  response.on('close', () => expect(written).toBeLessThan(1e8))
  response.writeHead(200)
  more()
}
