import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync } from 'node:zlib'
import { DamsonError } from '@damson/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Engine } from '../engine/perform.ts'
import { createAnswer } from '../http/answer.ts'
import { type Fetch, toFetch } from '../http/fetch.ts'
import { DEFAULT_HTTP_LIMITS } from '../http/limits.ts'
import type { Mountable } from '../http/mountable.ts'
import { silentLogger } from '../logger.ts'

/** A server carried by some platform, in one of two ways. */
export type Mounted = (
  | { readonly fetch: Fetch }
  /** Without a path, such as `http://127.0.0.1:8080`. */
  | { readonly origin: string }
) & { close(): Promise<void> }

/** Mounts the server at `/api`, so that `/api/livez` reaches it too. */
export type Mount = (server: Mountable & { readonly fetch: Fetch }) => Promise<Mounted>

interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

interface Received {
  readonly status: number
  header(name: string): string | undefined
  readonly body: Buffer
}

const BODY_BYTES = 20_000
const JSON_TYPE = { 'content-type': 'application/json' }

/**
 * What every mount must do alike: carry method, path, query, headers and body to the server, and its answer back. The
 * engine behind it is a fake that answers with the arguments it was given, so that each test sees what arrived.
 */
export function mountConformance(name: string, mount: Mount): void {
  describe(`mount: ${name}`, () => {
    let mounted: Mounted
    beforeEach(async () => {
      mounted = await mount(echoServer())
    })
    afterEach(() => mounted.close())

    const send = (path: string, sent: Sent = {}) =>
      'fetch' in mounted ? sendByFetch(mounted.fetch, path, sent) : sendBySocket(mounted.origin, path, sent)
    const post = (body: string | Uint8Array, headers: Record<string, string> = JSON_TYPE, path = '/api') =>
      send(path, { method: 'POST', headers, body })

    describe('arguments', () => {
      test('come from the query of a GET', async () => {
        expect(argsOf(await send('/api?action=track&event=A%20b%26c&value=1.5'))).toEqual({
          action: 'track',
          event: 'A b&c',
          value: '1.5',
        })
      })

      test.each([
        ['application/json', '{"action":"track","params":{"a":[1,"ü"]}}'],
        ['text/plain', '{"action":"track","params":{"a":[1,"ü"]}}'],
        ['application/x-www-form-urlencoded', '\ufeff {"action":"track","params":{"a":[1,"ü"]}}'],
        ['application/json; charset=utf-8', '{"action":"track","params":{"a":[1,"ü"]}}'],
      ])('come from a JSON body sent as %s', async (type, body) => {
        expect(argsOf(await post(body, { 'content-type': type }))).toEqual({ action: 'track', params: { a: [1, 'ü'] } })
      })

      test('come from a form', async () => {
        const type = { 'content-type': 'application/x-www-form-urlencoded' }
        expect(argsOf(await post('action=track&event=a+b%C3%BC', type))).toEqual({ action: 'track', event: 'a bü' })
      })

      test('come from the fields of a multipart body', async () => {
        const { headers, body } = multipart([
          ['action', 'track'],
          ['event', 'ü'],
        ])
        expect(argsOf(await post(body, headers))).toEqual({ action: 'track', event: 'ü' })
      })

      test('come from query and body together, and the body wins', async () => {
        const received = await post('{"event":"body"}', JSON_TYPE, '/api?action=track&event=query')
        expect(argsOf(received)).toEqual({ action: 'track', event: 'body' })
      })

      test('arrive although the body comes in pieces', async () => {
        const event = 'ü'.repeat(4_000)
        expect(argsOf(await post(JSON.stringify({ action: 'track', event })))).toEqual({ action: 'track', event })
      })
    })

    describe('compression', () => {
      const body = '{"action":"track","event":"ü"}'
      test.each([
        ['gzip', gzipSync(body)],
        ['deflate', deflateSync(body)],
        ['br', brotliCompressSync(body)],
        ['identity', Buffer.from(body)],
      ])('a body with Content-Encoding: %s is understood', async (encoding, bytes) => {
        const received = await post(bytes, { ...JSON_TYPE, 'content-encoding': encoding })
        expect(argsOf(received)).toEqual({ action: 'track', event: 'ü' })
      })

      test('a small body that inflates past the limit is refused with 413', async () => {
        const bomb = gzipSync(JSON.stringify({ action: 'x'.repeat(BODY_BYTES) }))
        expect(bomb.length).toBeLessThan(BODY_BYTES / 100)
        expect(errorStatus(await post(bomb, { ...JSON_TYPE, 'content-encoding': 'gzip' }))).toBe(413)
      })

      test('damaged data is refused with 400', async () => {
        const cut = gzipSync(body).subarray(0, -9)
        expect(errorStatus(await post(cut, { ...JSON_TYPE, 'content-encoding': 'gzip' }))).toBe(400)
      })

      test.each(['zstd', 'gzip, gzip'])('Content-Encoding: %s is refused with 415', async (encoding) => {
        expect(errorStatus(await post(body, { ...JSON_TYPE, 'content-encoding': encoding }))).toBe(415)
      })

      test('a long answer is compressed for a client that takes gzip', async () => {
        const padding = 'p'.repeat(4_000)
        const sent = { method: 'POST', body: JSON.stringify({ action: 'track', padding }) }
        const received = await send('/api', { ...sent, headers: { ...JSON_TYPE, 'accept-encoding': 'br, gzip' } })
        expect(received.header('content-encoding')).toBe('gzip')
        expect(received.header('vary')).toBe('Accept-Encoding')
        expect(received.body.length).toBeLessThan(500)
        expect(JSON.parse(gunzipSync(received.body).toString()).response[0].args.padding).toBe(padding)
        for (const accepted of ['gzip;q=0', 'br', 'identity']) {
          const plain = await send('/api', { ...sent, headers: { ...JSON_TYPE, 'accept-encoding': accepted } })
          expect(plain.header('content-encoding')).toBeUndefined()
          expect(argsOf(plain).padding).toBe(padding)
        }
      })

      test('a short answer is not compressed', async () => {
        const received = await send('/api?action=track', { headers: { 'accept-encoding': 'gzip' } })
        expect(received.header('content-encoding')).toBeUndefined()
        expect(argsOf(received)).toEqual({ action: 'track' })
      })
    })

    describe('refusals', () => {
      test('a body over the limit gets 413, one that just fits does not', async () => {
        const fitting = JSON.stringify({ action: 'track', event: 'x'.repeat(BODY_BYTES - 29) })
        expect(fitting.length).toBe(BODY_BYTES)
        expect((await post(fitting)).status).toBe(200)
        expect(errorStatus(await post(fitting.replace('x', 'xx')))).toBe(413)
      })

      test.each(['{"action":', '{"action":"track"}}', '[1,', '{"a":nope}'])('%s is no JSON: 400', async (body) => {
        expect(errorStatus(await post(body))).toBe(400)
      })

      test('text that is not UTF-8 gets 400', async () => {
        expect(
          errorStatus(await post(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), { 'content-type': 'text/x-any' })),
        ).toBe(400)
      })

      test('a multipart body without an end gets 400', async () => {
        const { headers, body } = multipart([['action', 'track']])
        expect(errorStatus(await post(body.slice(0, -30), headers))).toBe(400)
      })

      test('another method gets 405 and hears which there are', async () => {
        const received = await send('/api', { method: 'DELETE' })
        expect(errorStatus(received)).toBe(405)
        expect(received.header('allow')).toBe('GET, HEAD, POST, OPTIONS')
      })

      test('another path gets 404', async () => {
        expect(errorStatus(await send('/api/nothing?action=track'))).toBe(404)
      })

      test.each([
        ['busy', 429],
        ['unavailable', 503],
        ['broken', 500],
      ])('an engine that is %s gets %i, and the next request is answered', async (action, status) => {
        const received = await send(`/api?action=${action}`)
        expect(errorStatus(received)).toBe(status)
        expect(received.header('retry-after')).toBe(status === 503 ? '1' : undefined)
        expect((await send('/api?action=track')).status).toBe(200)
      })
    })

    describe('headers and paths', () => {
      test('every answer may be read by any web page', async () => {
        const ok = await send('/api?action=track')
        expect(ok.header('access-control-allow-origin')).toBe('*')
        expect(ok.header('content-type')).toBe('application/json;charset=utf-8')
        expect(ok.header('cache-control')).toBe('private')
        const refused = await send('/api/nothing')
        expect(refused.header('access-control-allow-origin')).toBe('*')
        expect(refused.header('content-type')).toBe('application/json;charset=utf-8')
        expect(refused.header('cache-control')).toBeUndefined()
      })

      test('OPTIONS is a preflight', async () => {
        const received = await send('/api', { method: 'OPTIONS' })
        expect(received.status).toBe(204)
        expect(received.header('access-control-allow-methods')).toBe('GET, POST, OPTIONS')
        expect(received.header('access-control-allow-headers')).toBe('Content-Type')
        expect(received.header('access-control-max-age')).toBe('86400')
        expect(received.header('access-control-allow-credentials')).toBeUndefined()
        expect(received.body.length).toBe(0)
      })

      test('HEAD is a GET without a body', async () => {
        const received = await send('/api?action=track', { method: 'HEAD' })
        expect(received.status).toBe(200)
        expect(received.header('content-type')).toBe('application/json;charset=utf-8')
        expect(received.body.length).toBe(0)
      })

      test('the caller is known by language', async () => {
        const received = await send('/api?action=caller', { headers: { 'accept-language': 'de' } })
        expect(argsOf(received)).toMatchObject({ acceptLanguage: 'de' })
      })

      test('a trailing slash changes nothing, and api-batch means multi', async () => {
        expect(argsOf(await send('/api/?action=track'))).toEqual({ action: 'track' })
        expect(argsOf(await post('{"data":[]}', JSON_TYPE, '/api/api-batch'))).toEqual({ action: 'multi', data: [] })
      })

      test('livez and readyz say how the server is', async () => {
        expect((await send('/api/livez')).status).toBe(200)
        expect((await send('/api/readyz')).status).toBe(503)
      })
    })

    test('a hundred requests at once each get their own answer', async () => {
      const numbers = Array.from({ length: 100 }, (_, index) => index)
      const answers = await Promise.all(numbers.map((number) => post(JSON.stringify({ action: 'track', number }))))
      expect(answers.map((answer) => argsOf(answer).number)).toEqual(numbers)
    })

    describe('on a socket', () => {
      // A mount by fetch has none; whatever carries it there is tested by its own makers.
      const withSocket = (run: (origin: URL) => Promise<void>) => async () => {
        if ('origin' in mounted) await run(new URL(mounted.origin))
      }

      test(
        'pipelined requests are answered in order, although the first waits for the last',
        withSocket(async (origin) => {
          const requests = ['first', 'x1', 'x2', 'last'].map((action) => raw(`/api?action=${action}`)).join('')
          const text = await exchange(origin, requests, (received) => received.split('"success"').length === 5)
          expect([...text.matchAll(/"action":"(\w+)"/g)].map((match) => match[1])).toEqual([
            'first',
            'x1',
            'x2',
            'last',
          ])
        }),
      )

      test(
        'a connection is kept for the next request, after a refused body too',
        withSocket(async (origin) => {
          const tooLong = 'x'.repeat(BODY_BYTES + 1)
          const refused = `POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: ${tooLong.length}\r\n\r\n${tooLong}`
          const inPieces = `POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunked(tooLong)}`
          const requests = refused + inPieces + raw('/api?action=track')
          const text = await exchange(origin, requests, (received) => received.includes('"action":"track"'))
          expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 413', 'HTTP/1.1 200'])
        }),
      )

      test(
        'a client that leaves in the middle of its body harms nobody',
        withSocket(async (origin) => {
          const start = 'POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"action":'
          await new Promise<void>((resolve, reject) => {
            const socket = connect(Number(origin.port), origin.hostname, () =>
              socket.write(start, () => socket.resetAndDestroy()),
            )
            socket.on('close', () => resolve()).on('error', reject)
          })
          expect((await send('/api?action=track')).status).toBe(200)
        }),
      )
    })
  })
}

/** Real reading, limits and writing; only the engine is a fake. */
function echoServer(): Mountable & { readonly fetch: Fetch } {
  const limits = { ...DEFAULT_HTTP_LIMITS, bodyBytes: BODY_BYTES, multipartBytes: BODY_BYTES }
  const answer = createAnswer({ engine: echoEngine(), logger: silentLogger, limits, isReady: () => false })
  const mountable = { answer, limits, isStopping: () => false }
  return { ...mountable, fetch: toFetch(mountable) }
}

function echoEngine(): Engine {
  let release = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  return {
    async perform({ outer }, caller) {
      if (outer.action === 'busy') throw new DamsonError('PROFILE_BUSY', 'busy', { isRetryable: true })
      if (outer.action === 'unavailable') throw new DamsonError('STORE_UNAVAILABLE', 'away', { isRetryable: true })
      if (outer.action === 'broken') throw new Error('broken on purpose')
      if (outer.action === 'first') await released
      if (outer.action === 'last') release()
      const args = outer.action === 'caller' ? caller : outer
      return {
        status: 200,
        elements: [{ outcome: { status: 200, success: true, fields: { args } }, reqId: undefined }],
      }
    },
  }
}

async function sendByFetch(fetch: Fetch, path: string, { method = 'GET', headers, body }: Sent): Promise<Received> {
  const init = { method, ...(headers && { headers }), ...(body !== undefined && { body: Buffer.from(body) }) }
  const response = await fetch(new Request(`http://damson.test${path}`, init))
  return {
    status: response.status,
    header: (name) => response.headers.get(name) ?? undefined,
    body: Buffer.from(await response.arrayBuffer()),
  }
}

/** Not the global `fetch`: it would decompress, and choose headers of its own. */
function sendBySocket(origin: string, path: string, { method = 'GET', headers, body }: Sent): Promise<Received> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false })
    const request = httpRequest(`${origin}${path}`, { method, headers: { ...headers }, agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          header: (name) => response.headers[name]?.toString(),
          body: Buffer.concat(chunks),
        }),
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

function exchange({ hostname, port }: URL, text: string, isWhole: (received: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = ''
    const socket = connect(Number(port), hostname, () => socket.write(text))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`the connection was closed after:\n${received}`)))
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      if (!isWhole(received)) return
      resolve(received)
      socket.destroy()
    })
  })
}

const raw = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`

function multipart(fields: readonly (readonly [string, string])[]): { headers: Record<string, string>; body: string } {
  const boundary = '----damson7MA4YWxkTrZu0gW'
  const parts = fields.map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: `${parts.join('')}--${boundary}--\r\n`,
  }
}

function argsOf({ status, body }: Received): Record<string, unknown> {
  expect(status, body.toString()).toBe(200)
  return JSON.parse(body.toString()).response[0].args
}

/** The status of an answer that must be an error in the normal envelope. */
function errorStatus({ status, body }: Received): number {
  const envelope: unknown = JSON.parse(body.toString())
  expect(envelope).toEqual({ response: [{ success: false, error: { message: expect.any(String) } }] })
  return status
}
