import type { Client } from '@damson/core'
import { BEACON_SCRIPT, createBeaconHandler, MAX_BEACON_BYTES, type BeaconResponse } from '@damson/core/web'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DamsonOptions } from './options.ts'
import { hostOf, pathOf } from './requests.ts'
import { report, type Scope } from './scope.ts'

/** What pages talk to. */
export interface BeaconRoutes {
  isScript(request: IncomingMessage): boolean
  isMessage(request: IncomingMessage): boolean
  /** Never rejects. */
  answer(request: IncomingMessage, response: ServerResponse, scope: Scope): Promise<void>
}

export function beaconOf(client: Client, options: DamsonOptions): BeaconRoutes | null {
  const { beacon = {}, clock } = options
  if (beacon === false) return null
  const { path = '/damson/beacon', allowEvents } = beacon
  const handle = createBeaconHandler({ client, allowEvents, clock, onError: (error) => report(options, error) })
  return {
    isScript: (request) => request.method === 'GET' && pathOf(request) === `${path}.js`,
    isMessage: (request) => pathOf(request) === path,
    async answer(request, response, scope) {
      try {
        // Longer than any beacon: the handler need not see it to say so.
        const body = (await readBody(request)) ?? ' '.repeat(MAX_BEACON_BYTES + 1)
        const { method = 'GET', headers } = request
        sendAnswer(response, await handle({ method, headers, host: hostOf(request), body, ...scope.forBeacon() }))
      } catch (error) {
        report(options, error)
        response.destroy()
      }
    },
  }
}

/** The body as text; `null` once it is longer than any beacon, or if it never came whole. Never rejects. */
function readBody(request: IncomingMessage): Promise<string | null> {
  // A parser was mounted before us.
  if (request.readableDidRead || request.readableEnded) return Promise.resolve(parsedText(request))
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let length = 0
    const onData = (chunk: Buffer) => {
      length += chunk.length
      if (length <= MAX_BEACON_BYTES) return void chunks.push(chunk)
      request.off('data', onData)
      request.resume()
      resolve(null)
    }
    request.on('data', onData)
    request.once('end', () => resolve(Buffer.concat(chunks).toString()))
    request.once('close', () => resolve(null))
  })
}

function parsedText({ body }: IncomingMessage & { readonly body?: unknown }): string {
  if (typeof body === 'string') return body
  if (body instanceof Uint8Array) return Buffer.from(body).toString()
  return JSON.stringify(body ?? null)
}

function sendAnswer(response: ServerResponse, { status, headers, body }: BeaconResponse): void {
  if (response.headersSent || response.destroyed) return
  // What is left of a body too long is not worth a connection.
  response.writeHead(status, status === 413 ? { ...headers, connection: 'close' } : headers).end(body)
}

/** The beacon for pages without a bundler. An hour: its address stays the same when it changes. */
export function sendScript(response: ServerResponse): void {
  response
    .writeHead(200, {
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=3600',
      'x-content-type-options': 'nosniff',
    })
    .end(BEACON_SCRIPT)
}
