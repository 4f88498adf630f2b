import { DamsonError } from '@damson/core'
import { lookup } from 'node:dns/promises'
import http from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import type { LookupFunction } from 'node:net'
import { parseUrl } from '../engine/parse-url.ts'
import { addressRanges, isPublicUnicast, normaliseAddress } from './addresses.ts'

/** The part of `RequestInit` that outgoing calls need. */
export interface EgressInit {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly signal?: AbortSignal
  /** Where this call may have more, or must take less, than others. */
  readonly maxBytes?: number
  readonly timeoutMs?: number
  /** The status is all that is wanted: the answer is cut off after its head, whatever its body would have been. */
  readonly headOnly?: boolean
}

/** The only way out of the server. `fetch` has this shape, so a test may pass one of its own. */
export type Egress = (url: string, init?: EgressInit) => Promise<Response>

export interface EgressOptions {
  /** Also call `http:` addresses. */
  readonly allowHttp?: boolean
  /** CIDR ranges, `loopback` or `private`: destinations that may be called although they are not public. */
  readonly allowPrivateDestinations?: readonly string[]
  /** CIDR ranges that are never called, public and allowed ones included. */
  readonly denyDestinations?: readonly string[]
  /** The largest body that is read; a longer one fails the call. */
  readonly maxBytes?: number
  /** From the call to the last byte, the name's resolution included. */
  readonly timeoutMs?: number
  /** Calls to one destination at a time; further ones wait, and their time runs. */
  readonly maxSocketsPerDestination?: number
  /** All addresses of a name. */
  readonly resolve?: (hostname: string) => Promise<readonly string[]>
}

export const EGRESS_MAX_BYTES = 64 * 1024
export const EGRESS_TIMEOUT_MS = 30_000
export const EGRESS_MAX_SOCKETS = 32

/** Azure answers secrets on this address, and it looks public. @source documented: security.md, Egress */
const ALWAYS_DENIED = ['168.63.129.16']

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
  const { maxBytes = EGRESS_MAX_BYTES, timeoutMs = EGRESS_TIMEOUT_MS, resolve = allAnswers } = options
  const allowed = addressRanges(options.allowPrivateDestinations ?? [])
  const denied = addressRanges([...ALWAYS_DENIED, ...(options.denyDestinations ?? [])])
  const mayCall = (address: string) =>
    !denied.contains(address) && (isPublicUnicast(address) || allowed.contains(address))

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
    const vetted = await vet(hostname, resolve, mayCall, signal)
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

/** The addresses of a host, every one of which may be called. A literal address is its own only answer. */
async function vet(
  hostname: string,
  resolve: (hostname: string) => Promise<readonly string[]>,
  mayCall: (address: string) => boolean,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const answers = isIP(hostname) === 0 ? await orAborted(resolve(hostname), hostname, signal) : [hostname]
  if (answers.length === 0) throw failed(hostname, new Error('The name has no address.'))
  const forbidden = answers.find((answer) => !mayCall(answer))
  if (forbidden !== undefined) throw refused('a public destination', `${hostname} at ${forbidden}`)
  return answers
}

interface Call {
  readonly url: URL
  readonly hostname: string
  readonly vetted: readonly string[]
  readonly init: EgressInit
  readonly signal: AbortSignal
  readonly maxBytes: number
}

interface Transport {
  readonly request: typeof http.request
  readonly agent: http.Agent
}

function send({ request, agent }: Transport, call: Call): Promise<Response> {
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
        const reached = normaliseAddress(socket.remoteAddress ?? '')
        if (!vetted.some((address) => normaliseAddress(address) === reached))
          outgoing.destroy(refused('one of the addresses that were vetted', `${hostname} at ${reached}`))
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
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length
    // Leaving the loop destroys the stream, and the socket with it.
    if (length > maxBytes) throw tooLarge(hostname, maxBytes)
    chunks.push(chunk)
  }
  const status = incoming.statusCode ?? 0
  const hasBody = status !== 204 && status !== 205 && status !== 304
  return new Response(hasBody ? Buffer.concat(chunks) : null, { status, headers: headersOf(incoming) })
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

/** Stands in for the resolver of the socket, so that no name is resolved a second time. */
function answering(vetted: readonly string[]): LookupFunction {
  const answers = vetted.map((address) => ({ address, family: isIP(address) }))
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, answers)
    else callback(null, answers[0]?.address ?? '', answers[0]?.family)
  }
}

/** As `getaddrinfo` has them: hosts file, search domains and all. */
async function allAnswers(hostname: string): Promise<readonly string[]> {
  const answers = await lookup(hostname, { all: true })
  return answers.map(({ address }) => address)
}

/** A resolver cannot be stopped; its late answer is nobody's any more. */
async function orAborted<T>(work: Promise<T>, hostname: string, signal: AbortSignal): Promise<T> {
  let stop = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => {
      reject(signal.reason)
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } catch (cause) {
    throw failed(hostname, cause)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function refused(expected: string, found: string): DamsonError {
  const wayOut = 'An operator may open private ranges with allowPrivateDestinations and http with allowHttp.'
  return new DamsonError('EGRESS_REFUSED', `Expected ${expected}, found ${found}. ${wayOut}`)
}

function tooLarge(hostname: string, maxBytes: number): DamsonError {
  return new DamsonError('EGRESS_TOO_LARGE', `Expected at most ${maxBytes} bytes from ${hostname}, found more.`)
}

function failed(hostname: string, cause: unknown): DamsonError {
  return new DamsonError('EGRESS_FAILED', `Calling ${hostname} failed.`, { isRetryable: true, cause })
}
