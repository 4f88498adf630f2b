import { DamsonError } from '@damson/core'
import http from 'node:http'
import https from 'node:https'
import { parseUrl } from '../engine/parse-url.ts'
import { type Call, type EgressInit, readAll, responseOf } from './egress-call.ts'
import { createHttp2 } from './egress-http2.ts'
import { answering, createVet, failed, refused, strayed, type VettingOptions } from './vetting.ts'

export type { EgressInit } from './egress-call.ts'

/** The only way out of the server. `fetch` has this shape, so a test may pass one of its own. */
export type Egress = (url: string, init?: EgressInit) => Promise<Response>

export interface EgressOptions extends VettingOptions {
  /** Also call `http:` addresses. */
  readonly allowHttp?: boolean
  /** The largest body that is read; a longer one fails the call. */
  readonly maxBytes?: number
  /** From the call to the last byte, the name's resolution included. */
  readonly timeoutMs?: number
  /** Calls to one destination at a time; further ones wait, and their time runs. */
  readonly maxSocketsPerDestination?: number
}

export const EGRESS_MAX_BYTES = 64 * 1024
export const EGRESS_TIMEOUT_MS = 30_000
export const EGRESS_MAX_SOCKETS = 32

/**
 * Calls the outside world and never the inside one: a destination is resolved once, refused unless every answer is
 * public unicast (or allowed), and the socket can connect to nothing but those answers. Redirects are not followed:
 * they come back as they are. No message names a path or a query, for they may hold secrets.
 *
 * The returned function throws {DamsonError} EGRESS_REFUSED for a destination that may not be called,
 * EGRESS_TOO_LARGE for a body over the limit, EGRESS_FAILED (retryable) for everything the network did.
 * @source documented: security.md, Egress
 */
export function createEgress(options: EgressOptions = {}): Egress {
  const { maxBytes = EGRESS_MAX_BYTES, timeoutMs = EGRESS_TIMEOUT_MS } = options
  const vet = createVet(options)
  const callHttp2 = createHttp2(vet)

  const agentOptions = { keepAlive: false, maxSockets: options.maxSocketsPerDestination ?? EGRESS_MAX_SOCKETS }
  const plain = { request: http.request, agent: new http.Agent(agentOptions) }
  const secure = { request: https.request, agent: new https.Agent(agentOptions) }

  return async (text, init = {}) => {
    const url = parseDestination(text, options.allowHttp ?? false)
    const signal = AbortSignal.any([
      AbortSignal.timeout(init.timeoutMs ?? timeoutMs),
      ...(init.signal === undefined ? [] : [init.signal]),
    ])
    const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1')
    if (init.http2 === true) return callHttp2({ url, hostname, init, signal, maxBytes: init.maxBytes ?? maxBytes })
    const vetted = await vet(hostname, signal)
    return send(url.protocol === 'https:' ? secure : plain, {
      url,
      hostname,
      vetted,
      init,
      signal,
      maxBytes: init.maxBytes ?? maxBytes,
    })
  }
}

function parseDestination(text: string, allowHttp: boolean): URL {
  const url = parseUrl(text)
  if (url === null) throw refused('a URL', 'something else')
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:'))
    throw refused(allowHttp ? 'https or http' : 'https', url.protocol)
  if (url.username !== '' || url.password !== '') throw refused('a URL without credentials', `some for ${url.hostname}`)
  return url
}

interface VettedCall extends Call {
  readonly vetted: readonly string[]
}

interface Transport {
  readonly request: typeof http.request
  readonly agent: http.Agent
}

function send({ request, agent }: Transport, call: VettedCall): Promise<Response> {
  const { url, hostname, vetted, init, signal, maxBytes } = call
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      reject(DamsonError.isInstance(cause) ? cause : failed(hostname, cause))
    }
    const outgoing = request({
      agent,
      signal,
      hostname,
      port: url.port,
      path: `${url.pathname}${url.search}`,
      method: init.method ?? 'GET',
      headers: { 'accept-encoding': 'identity', ...init.headers, host: url.host },
      lookup: answering(vetted),
    })
    outgoing.on('error', fail)
    outgoing.on('socket', (socket) => {
      socket.once('connect', () => {
        const stray = strayed(hostname, vetted, socket.remoteAddress)
        if (stray !== null) outgoing.destroy(stray)
      })
    })
    outgoing.on('response', (incoming) => {
      const answer = init.headOnly === true ? head(incoming) : read(incoming, maxBytes, hostname)
      answer.then(resolve, fail)
    })
    outgoing.end(init.body)
  })
}

async function read(incoming: http.IncomingMessage, maxBytes: number, hostname: string): Promise<Response> {
  const bytes = await readAll(incoming, maxBytes, hostname)
  return responseOf(incoming.statusCode ?? 0, headersOf(incoming), bytes)
}

async function head(incoming: http.IncomingMessage): Promise<Response> {
  incoming.destroy()
  return new Response(null, { status: incoming.statusCode ?? 0, headers: headersOf(incoming) })
}

function headersOf(incoming: http.IncomingMessage): Headers {
  const headers = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct))
    for (const value of values ?? []) headers.append(name, value)
  return headers
}
