import { createHmac } from 'node:crypto'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MINUTE_MS } from '../clock.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { type PostbackRequest, verifyPostback } from './verify-postback.ts'

const clock = fakeClock()
const SECRET = secretOf('one')
const OTHER = secretOf('another')
const HAPPENED = { type: 'message.event', timestamp: '2024-01-01T00:00:00.000Z', data: { userId: 'änn', n: 1.5 } }
const BODY = JSON.stringify(HAPPENED)
const EXPECTED = { id: 'msg_1', type: 'message.event', at: Date.UTC(2024, 0, 1), data: HAPPENED.data }

function secretOf(text: string): string {
  return `whsec_${Buffer.from(text.repeat(8)).toString('base64')}`
}

function signed(body: string, secrets = [SECRET], at = clock.now()): Record<string, string> {
  const seconds = Math.floor(at / 1000)
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
    return `v1,${createHmac('sha256', key).update(`msg_1.${seconds}.${body}`).digest('base64')}`
  })
  return { 'webhook-id': 'msg_1', 'webhook-timestamp': String(seconds), 'webhook-signature': signatures.join(' ') }
}

const verify = (request: PostbackRequest, secrets = [SECRET]) => verifyPostback(request, { secrets, clock })

/** As `node:http` hands a request over, with what parsers do to it. */
function stream(body: string, fields: object = {}): PostbackRequest {
  const bytes = Buffer.from(body)
  // Cut in the middle of a letter of two bytes.
  const cut = bytes.indexOf('ä') + 1
  const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)].filter(({ length }) => length > 0)
  return Object.assign(Readable.from(chunks, { objectMode: false }), { headers: signed(body), ...fields })
}

describe('a body is read', () => {
  const headers = signed(BODY)
  test.each<[string, PostbackRequest]>([
    ['of a Request', new Request('http://h/', { method: 'POST', headers, body: BODY })],
    ['as text', { headers, body: BODY }],
    ['as bytes', { headers, body: Buffer.from(BODY) }],
    ['as parsed JSON', { headers, body: JSON.parse(BODY) as unknown }],
    ['as Nest keeps it', { headers, body: {}, rawBody: Buffer.from(BODY) }],
    ['of a stream', stream(BODY)],
    ['of a stream that a parser of forms has passed over', stream(BODY, { body: {} })],
  ])('%s', async (_form, request) => expect(await verify(request)).toEqual(EXPECTED))

  test('that somebody has read and thrown away: it says so', async () => {
    const request = stream(BODY)
    await new Response(request as unknown as ReadableStream).text()
    await expect(verify(request)).rejects.toMatchObject({ code: 'POSTBACK_REFUSED', message: /read it before/ })
  })

  test('up to a megabyte', async () => {
    const long = 'x'.repeat(1_048_577)
    await expect(verify(stream(long))).rejects.toMatchObject({ code: 'POSTBACK_REFUSED', message: /at most/ })
  })

  test('whatever JSON it is, parsed or not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.object(), async (data) => {
        const body = JSON.stringify({ ...HAPPENED, data })
        const headers = signed(body)
        await verify({ headers, body: JSON.parse(body) as unknown })
        await verify({ headers, body })
      }),
    )
  })
})

describe('refused is', () => {
  const expectRefusal = (request: PostbackRequest, secrets = [SECRET]) =>
    expect(verify(request, secrets)).rejects.toMatchObject({ code: 'POSTBACK_REFUSED' })

  test('a body with one byte changed, and any other header', async () => {
    await expectRefusal({ headers: signed(BODY), body: BODY.replace('nn', 'nm') })
    await expectRefusal({ headers: { ...signed(BODY), 'webhook-id': 'msg_2' }, body: BODY })
    const later = String(Number(signed(BODY)['webhook-timestamp']) + 1)
    await expectRefusal({ headers: { ...signed(BODY), 'webhook-timestamp': later }, body: BODY })
  })

  test('what is signed by somebody else, or not at all', async () => {
    await expectRefusal({ headers: signed(BODY), body: BODY }, [OTHER])
    for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature'])
      await expectRefusal({ headers: { ...signed(BODY), [name]: undefined }, body: BODY })
    for (const signature of ['v1,', 'v1,****', 'v1a,AAAA', 'nonsense'])
      await expectRefusal({ headers: { ...signed(BODY), 'webhook-signature': signature }, body: BODY })
  })

  test('what is older than five minutes, or as far ahead', async () => {
    const at = (ms: number) => ({ headers: signed(BODY, [SECRET], clock.now() + ms), body: BODY })
    await expectRefusal(at(-5 * MINUTE_MS - 1000))
    await expectRefusal(at(5 * MINUTE_MS + 1000))
    expect(await verify(at(-5 * MINUTE_MS))).toEqual(EXPECTED)
    for (const timestamp of ['', 'now', '1e3', '-1', 'NaN'])
      await expectRefusal({ headers: { ...signed(BODY), 'webhook-timestamp': timestamp }, body: BODY })
  })
})

test('while a secret is replaced, both sides may know two', async () => {
  expect(await verify({ headers: signed(BODY, [OTHER]), body: BODY }, [SECRET, OTHER])).toEqual(EXPECTED)
  expect(await verify({ headers: signed(BODY, [OTHER, SECRET]), body: BODY })).toEqual(EXPECTED)
})

test.each([[[]], [['']], [['secret']], [['whsec_']], [['whsec_***']]])('%j are no secrets', async (secrets) => {
  await expect(verify({ headers: signed(BODY), body: BODY }, secrets)).rejects.toMatchObject({ code: 'SECRET_INVALID' })
})
