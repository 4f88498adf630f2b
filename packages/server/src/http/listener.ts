import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { failed } from '@damson/core/protocol'
import { bodyLimit } from './body.ts'
import type { Mountable } from './mountable.ts'
import { isStream, type PlainRequest, type PlainResponse } from './plain.ts'
import { refuse } from './responses.ts'

/** Fits `http.createServer`, `app.use` of Express, and Nest on either platform. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => void

const NO_BODY = new Uint8Array()

/** The server as a listener of `node:http`. Takes a body that middleware has parsed before it, too. */
export function toNodeListener(server: Mountable): NodeListener {
  function respond(request: IncomingMessage, response: ServerResponse, body: Uint8Array, headers = headersOf(request)) {
    void server.answer(plainRequest(request, headers, body)).then((plain) => send(server, response, plain))
  }

  return function listener(request, response) {
    const { headers } = request
    const length = headers['content-length']
    if ((length === undefined || length === '0') && headers['transfer-encoding'] === undefined)
      return respond(request, response, NO_BODY)
    if (request.readableDidRead) return respond(request, response, parsedBody(request), withoutEncoding(request))
    const maxBytes = bodyLimit(headers['content-type'], server.limits)
    const tooLarge = () => send(server, response, refuse(failed('REQUEST_TOO_LARGE')))
    if (length !== undefined && Number(length) > maxBytes) {
      tooLarge()
      return drain(request, maxBytes)
    }
    collect(request, maxBytes, (body) => (body === null ? tooLarge() : respond(request, response, body)))
  }
}

/** Gives the whole body, once; `null` as soon as it is too long; nothing at all if the client leaves before the end. */
function collect(request: IncomingMessage, maxBytes: number, give: (body: Uint8Array | null) => void): void {
  let first: Buffer | undefined
  let rest: Buffer[] | undefined
  let length = 0
  function onData(chunk: Buffer) {
    length += chunk.length
    if (length > maxBytes) {
      request.off('data', onData)
      request.off('end', onEnd)
      drain(request, maxBytes)
      return give(null)
    }
    if (first === undefined) first = chunk
    else (rest ??= [first]).push(chunk)
  }
  function onEnd() {
    give(rest === undefined ? (first ?? NO_BODY) : Buffer.concat(rest, length))
  }
  request.on('data', onData)
  request.on('end', onEnd)
}

/**
 * Reads on without keeping anything, so that a client which sends first and listens later sees our refusal instead of a
 * reset; but not for ever: after twice what is allowed the socket is closed.
 */
function drain(request: IncomingMessage, maxBytes: number): void {
  let left = 2 * maxBytes
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) request.destroy()
  })
}

function send(server: Mountable, response: ServerResponse, plain: PlainResponse): void {
  // The client has left, or someone else has answered in our place.
  if (response.destroyed || response.headersSent) return
  if (server.isStopping()) response.shouldKeepAlive = false
  const { body } = plain
  const headers: string[] = []
  for (const name in plain.headers) headers.push(name, plain.headers[name] as string)
  if (isStream(body)) {
    response.writeHead(plain.status, headers)
    // What breaks half-way has destroyed the response: the caller sees that it is cut off, and nobody else is concerned.
    pipeline(Readable.from(body), response, () => undefined)
    return
  }
  if (body !== null) headers.push('Content-Length', String(Buffer.byteLength(body)))
  response.writeHead(plain.status, headers)
  response.end(body ?? undefined)
}

function plainRequest(request: IncomingMessage, headers: PlainRequest['headers'], body: Uint8Array): PlainRequest {
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  return {
    method: request.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? '' : url.slice(mark + 1),
    headers,
    body,
    address: request.socket.remoteAddress ?? null,
    ...originOf(request),
  }
}

/** Express cuts the path it mounts us at off `url`, and says so. */
function originOf(request: IncomingMessage & { readonly baseUrl?: unknown }): Pick<PlainRequest, 'origin'> {
  const { socket, headers, baseUrl } = request
  const isSecure = 'encrypted' in socket && socket.encrypted === true
  const cutOff = typeof baseUrl === 'string' ? baseUrl : ''
  return headers.host === undefined ? {} : { origin: `${isSecure ? 'https' : 'http'}://${headers.host}${cutOff}` }
}

/** Node joins repeated headers with a comma; the one it keeps as a list, `set-cookie`, is no request header. */
function headersOf(request: IncomingMessage): PlainRequest['headers'] {
  return request.headers as PlainRequest['headers']
}

/** Whoever parsed the body has also decompressed it. */
function withoutEncoding(request: IncomingMessage): PlainRequest['headers'] {
  return { ...headersOf(request), 'content-encoding': undefined }
}

/** Back to bytes: text as it is, anything else as JSON, which is understood whatever the Content-Type says. */
function parsedBody(request: IncomingMessage & { readonly body?: unknown }): Uint8Array {
  const { body } = request
  if (body instanceof Uint8Array) return body
  if (typeof body === 'string') return Buffer.from(body)
  return body === undefined || body === null ? NO_BODY : Buffer.from(JSON.stringify(body))
}
