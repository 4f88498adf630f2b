import { Agent, request as httpRequest } from 'node:http'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createServer, type Server } from '../server.ts'
import { memoryStore } from '../store/memory.ts'
import { listen, type Listening } from './listen.ts'

const REQUESTS = 10_000
const AT_ONCE = 16
const KEYS = {
  production: ['prod_k'],
  development: ['dev_k'],
  dataExport: ['export_k'],
  contentReadOnly: ['content_k'],
}
const ACTIONS =
  'start stop track advance heartbeat pauseSession resumeSession pauseState resumeState multi setUserAttributes ' +
  'setDeviceAttributes setTrafficSourceInfo registerDevice deleteUser block unblock exportUser getVars log restart ' +
  'getMigrateState trackGeofence Track toString __proto__ constructor'

let server: Server
let listening: Listening
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
beforeAll(async () => {
  const apps = [{ appId: 'shop', name: 'Shop', keys: KEYS }]
  server = createServer({ store: memoryStore(), apps, limits: { bodyBytes: 100_000, multipartBytes: 100_000 } })
  listening = await listen({ server, host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  agent.destroy()
  await listening.stop()
})

interface Probe {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: Uint8Array
}

/** Names that mean something, names that must not, and any others. */
const known =
  'userId deviceId time data params value event state info userAttributes newUserId events createDisposition devMode ' +
  'disposition allowOffline background locale country location includeDefaults reqId uuid city systemName currencyCode ' +
  'messageId resetAnomalies trafficSource force fullErasure email vars unsubscribe states apiVersion sdkVersion'
const names = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom(...known.split(' ')) },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '') },
  { weight: 6, arbitrary: fc.string({ maxLength: 20, unit: 'binary' }) },
)

const scalars = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.constantFrom(
    'Purchase',
    'Level 1',
    '2026-01-05',
    'passive',
    '50.5',
    '1767571200',
    'USD',
    'CreateIfNeeded',
    '{"a":1}',
  ),
  fc.constantFrom('\ud800', 'true', '1e999', '-0', 'NaN', '[a, b', "{'a':1}", '{"a":', '9'.repeat(400), ' ', '%'),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
)
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    scalars,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(names, tie('value'), { maxKeys: 4 }),
  ),
})).value

const credentials = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(...['prod_k', 'dev_k', 'export_k'].map((clientKey) => ({ appId: 'shop', clientKey }))),
  },
  { weight: 1, arbitrary: fc.record({ appId: scalars, clientKey: scalars }, { requiredKeys: [] }) },
)
const actionArgs = fc
  .tuple(
    fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...ACTIONS.split(' ')) }, { weight: 1, arbitrary: scalars }),
    fc.constantFrom(
      { userId: 'ada' },
      { deviceId: 'phone' },
      { userId: 'bob', deviceId: 'phone' },
      { userId: 'cleo' },
      {},
    ),
    fc.dictionary(names, values, { maxKeys: 5 }),
  )
  .map(([action, subject, args]) => ({ ...args, ...subject, action }))
const envelopes = fc.oneof(
  fc.tuple(credentials, actionArgs).map(([keys, args]) => ({ ...args, ...keys })),
  fc
    .tuple(
      credentials,
      fc.array(fc.oneof({ weight: 9, arbitrary: actionArgs }, { weight: 1, arbitrary: values }), { maxLength: 8 }),
      values,
    )
    .map(([keys, data, time]) => ({ ...keys, action: 'multi', time, data })),
)

/** Requests that no object can say: nested too deep, too wide, doubled keys, cut bytes. */
const texts = fc.oneof(
  { weight: 10, arbitrary: envelopes.map((envelope) => JSON.stringify(envelope)) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 40_000 }).map((depth) => `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`),
  },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 40_000 })
      .map((width) => `{"action":"track","params":[${'0,'.repeat(width)}0]}`),
  },
  { weight: 1, arbitrary: fc.constant('{"appId":"shop","appId":"shop","__proto__":{"admin":true},"action":"track"}') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
)
const bodies: fc.Arbitrary<Uint8Array> = fc
  .tuple(texts, fc.constantFrom('whole', 'whole', 'whole', 'whole', 'cut', 'flip', 'oversized'), fc.nat(), fc.nat(255))
  .map(([text, damage, where, byte]) => {
    const bytes = Buffer.from(text)
    if (damage === 'cut') return bytes.subarray(0, where % (bytes.length + 1))
    if (damage === 'flip' && bytes.length > 0) bytes[where % bytes.length] = byte
    if (damage === 'oversized' && where % 20 === 0) return Buffer.concat([bytes, Buffer.alloc(110_000, 0x20)])
    return bytes
  })

const types = fc.constantFrom(
  'application/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'multipart/form-data',
  'text/csv',
  '',
)
const posts: fc.Arbitrary<Probe> = fc
  .tuple(bodies, types, fc.constantFrom('', '', '', '', '', '', 'gzip', 'gzip', 'deflate', 'br', 'zstd'), fc.boolean())
  .map(([body, type, encoding, isHonest]) => ({
    method: 'POST',
    path: '/api',
    headers: { ...(type && { 'content-type': type }), ...(encoding && { 'content-encoding': encoding }) },
    body: encoding === 'gzip' && isHonest ? gzipSync(body) : body,
  }))
const forms: fc.Arbitrary<Probe> = fc
  .tuple(envelopes, fc.constantFrom('GET', 'POST', 'HEAD'))
  .map(([envelope, method]) => {
    const pairs = Object.entries(envelope).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ])
    const query = new URLSearchParams(pairs.map(([name = '', value = '']) => [name, value])).toString()
    const isPost = method === 'POST'
    return {
      method,
      path: isPost ? '/api' : `/api?${query.slice(0, 8_000)}`,
      headers: isPost ? { 'content-type': 'application/x-www-form-urlencoded' } : {},
      body: Buffer.from(isPost ? query : ''),
    }
  })
const queries: fc.Arbitrary<Probe> = fc
  .tuple(fc.constantFrom('GET', 'POST', 'PUT', 'OPTIONS'), fc.stringMatching(/^[!-~]{0,80}$/))
  .map(([method, text]) => ({
    method,
    path: `/api?action=track&appId=shop&clientKey=prod_k&${text}`,
    headers: {},
    body: Buffer.alloc(0),
  }))
const probes = fc.oneof(
  { weight: 6, arbitrary: posts },
  { weight: 3, arbitrary: forms },
  { weight: 1, arbitrary: queries },
)

test(
  'ten thousand malformed requests get an answer each, none of them 5xx, and the server goes on',
  { timeout: 120_000 },
  async () => {
    const seed = Number(process.env.DAMSON_FUZZ_SEED ?? Math.trunc(Math.random() * 2 ** 31))
    console.log(`fuzz: DAMSON_FUZZ_SEED=${seed} repeats this run`)
    const waiting = fc.sample(probes, { seed, numRuns: REQUESTS })[Symbol.iterator]()
    const statuses = new Map<number, number>()
    const worker = async () => {
      for (const probe of waiting) {
        const { status, text } = await send(probe)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (status >= 500 || !isEnvelope(probe, text))
          throw new Error(
            `seed ${seed}: ${status} ${text} for ${probe.method} ${probe.path} ${JSON.stringify(probe.headers)} ${Buffer.from(probe.body).toString('base64')}`,
          )
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    console.log(`fuzz: ${[...statuses].map(([status, count]) => `${count} × ${status}`).join(', ')}`)
    expect([...statuses.values()].reduce((sum, count) => sum + count, 0)).toBe(REQUESTS)
    // The probes reach far: some are done, some are refused by HTTP, some by the envelope, some by the engine.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 403, 404, 413, 415]))
    expect(({} as Record<string, unknown>).admin).toBeUndefined()

    const query = 'action=exportUser&appId=shop&clientKey=export_k&userId=ada'
    const after = await send({ method: 'GET', path: `/api?${query}`, headers: {}, body: Buffer.alloc(0) })
    expect(JSON.parse(after.text)).toMatchObject({ response: [{ success: true }] })
  },
)

/** HEAD and preflights have no body; every other answer is an envelope, whatever was asked. */
function isEnvelope({ method }: Probe, text: string): boolean {
  if (method === 'HEAD' || method === 'OPTIONS') return text === ''
  const envelope = JSON.parse(text) as { response?: unknown }
  return Array.isArray(envelope.response)
}

function send({ method, path, headers, body }: Probe): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const length = body.length === 0 ? {} : { 'content-length': String(body.length) }
    const sending = httpRequest(
      { host: '127.0.0.1', port: listening.port, method, path, headers: { ...headers, ...length }, agent },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text })).on('error', reject)
      },
    )
    sending.on('error', reject).end(body)
  })
}
