import { randomUUID } from 'node:crypto'
import { DamsonError } from '@damson/core'
import { decodeRequest, encodeElements, failed, type RawArgs } from '@damson/core/protocol'
import type { Caller, Engine, Performed } from '../engine/perform.ts'
import type { Logger } from '../logger.ts'
import { type Body, readBody } from './body.ts'
import { acceptsGzip, compress } from './compression.ts'
import type { FileRoute } from './file-route.ts'
import type { HttpLimits } from './limits.ts'
import type { MailRoute } from './mail-route.ts'
import { createPace } from './pace.ts'
import { isStream, type PlainRequest, type PlainResponse } from './plain.ts'
import { json, PREFLIGHT, redirect, refusal, refuse } from './responses.ts'
import { uploadsOf } from './uploads.ts'

/** Answers one request, whatever it is. Never rejects. */
export type Answer = (request: PlainRequest) => Promise<PlainResponse>

export interface AnswerOptions {
  readonly engine: Engine
  readonly logger: Logger
  readonly limits: HttpLimits
  /** What `/readyz` says. */
  isReady(): boolean
  /** Who calls, behind proxies of ours; without it, the other end of the socket. */
  readonly clientAddress?: ClientAddress
  /** Answers what is asked under `/files/`; without it, there is nothing. */
  readonly fileRoute?: FileRoute
  /** Answers the links in mails; without it, there is nothing. */
  readonly mailRoute?: MailRoute
  /** Answers what is asked at `/admin`; without it, there is nothing. */
  readonly adminRoute?: (request: PlainRequest) => Promise<PlainResponse>
  /** Where callers reach us, for addresses we give out; without it, what each caller wrote. */
  readonly publicUrl?: string
}

/** What a log line may say of a request; filled in as it becomes known. Never the URL: it may hold a key. */
interface Trace {
  outer: Pick<RawArgs, 'action' | 'appId' | 'reqId'> | undefined
}

/** Works out the caller's address from the socket's and the `X-Forwarded-For` header; `null` when it is not known. */
export type ClientAddress = (hops: {
  readonly socketAddress: string | null
  readonly forwardedFor: string | undefined
}) => string | null

export function createAnswer(options: AnswerOptions): Answer {
  const { engine, logger, limits, isReady, clientAddress, fileRoute, mailRoute, adminRoute, publicUrl } = options
  const isLogging = logger.isLevelEnabled?.('debug') ?? false
  const pace = createPace()

  async function answer(request: PlainRequest): Promise<PlainResponse> {
    const startedAt = isLogging ? performance.now() : 0
    const trace: Trace = { outer: undefined }
    let response: PlainResponse
    try {
      response = await route(request, trace)
      if (isCompressible(request, response)) response = await compressed(response)
    } catch (error) {
      response = answerTo(error, request, trace)
    }
    if (isLogging) {
      const milliseconds = Math.round((performance.now() - startedAt) * 1_000) / 1_000
      logger.debug({ ...facts(request, trace), status: response.status, milliseconds }, 'request')
    }
    return request.method === 'HEAD' ? { ...response, body: null } : response
  }

  function route(request: PlainRequest, trace: Trace): Promise<PlainResponse> | PlainResponse {
    const file = fileRoute?.(request)
    if (file !== undefined && file !== null) return file
    const linked = mailRoute?.(request)
    if (linked !== undefined && linked !== null) return linked
    switch (lastSegment(request.path)) {
      case '':
      case 'api':
        return api(request, trace, false)
      case 'api-batch':
        return api(request, trace, true)
      case 'admin':
        return adminRoute?.(request) ?? notFound()
      case 'livez':
        return json(200, '{"status":"alive"}')
      case 'readyz':
        return isReady() ? json(200, '{"status":"ready"}') : json(503, '{"status":"not ready"}')
      default:
        return notFound()
    }
  }

  function notFound(): PlainResponse {
    return refuse(refusal(404, 'Not found. The API answers at a path that ends in /api.'))
  }

  async function api(request: PlainRequest, trace: Trace, isBatch: boolean): Promise<PlainResponse> {
    const { method } = request
    if (method === 'OPTIONS') return PREFLIGHT
    if (method !== 'POST' && method !== 'GET' && method !== 'HEAD')
      return refuse(failed('METHOD_NOT_ALLOWED'), { Allow: 'GET, HEAD, POST, OPTIONS' })
    const read = readBody(request, limits)
    const body = read instanceof Promise ? await read : read
    if (!body.ok) return refuse(body.outcome)
    const myTurn = pace(body.text.length)
    if (myTurn !== undefined) await myTurn
    return play(request, body, trace, isBatch)
  }

  /** No async function, so that nothing of the request is left while its commit is waited for. */
  function play(
    request: PlainRequest,
    { text, fields, files }: Extract<Body, { ok: true }>,
    trace: Trace,
    isBatch: boolean,
  ): Promise<PlainResponse> | PlainResponse {
    const { method, query, headers } = request
    const decoded = decodeRequest({ method, query, contentType: headers['content-type'], text, fields })
    if (!decoded.ok) return refuse(decoded.outcome)
    // `/api-batch` is an old name of `multi` (specification 1.1).
    const outer = isBatch ? { ...decoded.outer, action: 'multi' } : decoded.outer
    const { action, appId, reqId } = outer
    trace.outer = { action, appId, reqId }
    const caller = {
      address: addressOf(request),
      acceptLanguage: headers['accept-language'] ?? null,
      ...baseOf(request),
    }
    const uploads = files === undefined ? undefined : uploadsOf(files)
    return engine.perform({ outer, ...(uploads && { uploads }) }, caller).then(written)
  }

  function baseOf({ origin, path }: PlainRequest): Pick<Caller, 'baseUrl'> {
    if (publicUrl !== undefined) return { baseUrl: publicUrl.replace(/\/+$/, '') }
    return origin === undefined ? {} : { baseUrl: origin + path.replace(/\/(api|api-batch)?\/?$/, '') }
  }

  function addressOf({ address, headers }: PlainRequest): string | null {
    if (clientAddress === undefined) return address
    return clientAddress({ socketAddress: address, forwardedFor: headers['x-forwarded-for'] })
  }

  function answerTo(error: unknown, request: PlainRequest, trace: Trace): PlainResponse {
    if (DamsonError.isInstance(error, 'PROFILE_BUSY')) return refuse(failed('PROFILE_BUSY'))
    const id = randomUUID()
    const fields = { ...facts(request, trace), requestId: id, err: error }
    if (DamsonError.isInstance(error) && (error.isRetryable || error.code === 'STORE_CLOSED')) {
      logger.warn(fields, 'a request could not be stored')
      return refuse(failed('UNAVAILABLE'), { 'Retry-After': '1' })
    }
    logger.error(fields, 'a request failed unexpectedly')
    return refuse({ ...failed('INTERNAL_ERROR'), error: `Internal error; the server's log has it as ${id}.` })
  }

  function isCompressible(request: PlainRequest, { body }: PlainResponse): boolean {
    if (body === null || isStream(body)) return false
    return body.length >= limits.gzipFrom && acceptsGzip(request.headers['accept-encoding'])
  }

  return answer
}

function written({ status, elements }: Performed): PlainResponse {
  const [first] = elements
  if (first?.outcome.redirect !== undefined && status === 302) return redirect(first.outcome.redirect)
  return json(status, encodeElements(elements))
}

async function compressed(response: PlainResponse): Promise<PlainResponse> {
  if (isStream(response.body)) return response
  const headers = { ...response.headers, 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' }
  return { ...response, headers, body: await compress(response.body ?? '') }
}

/** Mountable under any prefix: only the last segment says what is asked. `/` is what a mounting framework leaves of it. */
function lastSegment(path: string): string {
  const end = path.length > 1 && path.endsWith('/') ? path.length - 1 : path.length
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end)
}

function facts({ method }: PlainRequest, { outer }: Trace): object {
  return { method, action: short(outer?.action), appId: short(outer?.appId), reqId: short(outer?.reqId) }
}

/** What a stranger sent is logged only if it is a short text. */
function short(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= 100 ? value : undefined
}
