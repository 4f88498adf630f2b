import { headersOf, isPrefetch, type HeaderReader, type HeaderSource } from '@damson/core/web'
import type { ExecutionContext } from '@nestjs/common'
import { handshakeOf } from './scope.ts'

/** What an execution is about, told alike for every kind of it. */
export interface Carrier {
  readonly kind: 'http' | 'graphql' | 'ws' | 'rpc'
  /** The request; of a WebSocket its connection; of a microservice's message the context its transport gives. */
  readonly request: object | null
  readonly headers: HeaderReader
  /** What a guard left on the request or connection, as Nest's guides do. */
  readonly user: unknown
  /** The message of a WebSocket or a microservice. */
  readonly data: unknown
  /** Where a cookie may still be set: the response of Express, the reply of Fastify. */
  readonly response: unknown
  /** Nothing a person did: it opens no session and gets no cookie. */
  readonly isQuiet: boolean
}

/** Marks a controller whose requests are no sign of a person. */
export const QUIET = Symbol.for('damson.nestjs.quiet')

type Fields = Readonly<Record<string, unknown>>

export function carrierOf(context: ExecutionContext): Carrier {
  const kind = context.getType<string>()
  if (kind === 'graphql') {
    const { req, request, reply, res, extra } = fieldsOf(context.getArgByIndex<unknown>(2))
    // Apollo names them `req` and `res`, Mercurius `reply`, subscriptions over WebSockets `extra.request`.
    const found = req ?? request ?? fieldsOf(reply)['request'] ?? fieldsOf(extra)['request']
    return carrier('graphql', found, null, res ?? reply)
  }
  if (kind === 'ws') {
    const ws = context.switchToWs()
    return connectionCarrier(ws.getClient<object>(), ws.getData<unknown>())
  }
  if (kind === 'rpc') {
    const rpc = context.switchToRpc()
    return carrier('rpc', rpc.getContext<unknown>(), rpc.getData<unknown>(), null)
  }
  const http = context.switchToHttp()
  const found = carrier('http', http.getRequest<unknown>(), null, http.getResponse<unknown>())
  return QUIET in context.getClass() ? { ...found, isQuiet: true } : found
}

/** A connection by itself, before its first message. */
export function connectionCarrier(client: object, data: unknown = null): Carrier {
  return carrier('ws', client, data, null)
}

function carrier(kind: Carrier['kind'], found: unknown, data: unknown, response: unknown): Carrier {
  const request = typeof found === 'object' ? found : null
  const { user, headers, handshake, data: kept } = fieldsOf(request)
  // socket.io keeps the request's headers in `handshake` and what an application knows in `data`; `ws` keeps neither.
  const source = kind === 'ws' ? (fieldsOf(handshake)['headers'] ?? (request && handshakeOf(request))) : headers
  const reader = headersOf((kind === 'rpc' ? {} : (source ?? {})) as HeaderSource)
  return {
    kind,
    request,
    headers: reader,
    user: kind === 'ws' ? (user ?? fieldsOf(kept)['user']) : user,
    data,
    response,
    // A message between services is no sign of a person; an event it leads to opens the session all the same.
    isQuiet: kind === 'rpc' || isPrefetch(reader),
  }
}

export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
