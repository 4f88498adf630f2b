import type { Clock } from '../clock.ts'
import type { WireElement } from './action.ts'
import { retryAfterMs } from './retry.ts'
import type { Timers } from './timers.ts'

/** What a request came to. */
export type Verdict =
  /** The server took the request and says what became of each element. */
  | { readonly kind: 'answered'; readonly elements: readonly WireElement[] }
  /** Try again later: network, 408, 429, 5xx, or an answer that is none. `status` 0 is the network. */
  | { readonly kind: 'failed'; readonly status: number; readonly retryAfterMs: number | null; readonly detail: string }
  /** Not this request, but smaller ones perhaps. */
  | { readonly kind: 'split'; readonly status: number; readonly detail: string }
  /** Nothing of this app will be taken: wrong key, unknown app, wrong address. */
  | { readonly kind: 'refused'; readonly status: number; readonly detail: string }

export type FetchLike = (request: Request) => Promise<Response> | Response

export interface TransportSetup {
  readonly fetch: FetchLike
  readonly endpoint: string
  readonly clock: Clock
  readonly timers: Timers
  /** Until the last byte of the answer. Milliseconds. */
  readonly timeoutMs: number
}

export interface Transport {
  /** Sends one body. Never rejects. */
  post(body: string): Promise<Verdict>
  /** Gives up whatever is under way. */
  abort(): void
}

/** Browsers bound the bytes of all keepalive requests together; below this ours fit. */
const KEEPALIVE_MAX = 60_000

export function createTransport({ fetch, endpoint, clock, timers, timeoutMs }: TransportSetup): Transport {
  const underWay = new Set<AbortController>()
  const isBrowser = 'document' in globalThis
  // text/plain spares browsers a preflight request; the official Web SDK does the same (specification 1.4).
  const headers = { 'content-type': isBrowser ? 'text/plain;charset=UTF-8' : 'application/json' }

  async function post(body: string): Promise<Verdict> {
    const abort = new AbortController()
    underWay.add(abort)
    const cancel = timers.after(timeoutMs, () => abort.abort(new Error(`no answer within ${timeoutMs} ms`)), false)
    try {
      const keepalive = isBrowser && body.length < KEEPALIVE_MAX ? { keepalive: true } : {}
      const request = new Request(endpoint, { method: 'POST', headers, body, signal: abort.signal, ...keepalive })
      return await orAbort(exchange(request), abort.signal)
    } catch (error) {
      return { kind: 'failed', status: 0, retryAfterMs: null, detail: messageOf(error) }
    } finally {
      cancel()
      underWay.delete(abort)
    }
  }

  async function exchange(request: Request): Promise<Verdict> {
    const response = await fetch(request)
    return judge(response.status, response.headers.get('retry-after'), await response.text(), clock.now())
  }

  return {
    post,
    abort() {
      for (const abort of underWay) abort.abort(new Error('the client was closed'))
    },
  }
}

/** A `fetch` that does not know the signal (an engine in the same process) is left alone, not waited for. */
function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

/** Texts that concern the app and so every action (specification 2.3). */
const ABOUT_THE_APP = /^(Invalid access key|App not found|Development mode requested|'(appId|clientKey)')/

export function judge(status: number, retryAfter: string | null, text: string, now: number): Verdict {
  const elements = elementsOf(text)
  if (status >= 200 && status < 300) {
    if (elements !== null) return { kind: 'answered', elements }
    return { kind: 'failed', status, retryAfterMs: null, detail: 'the answer is not an envelope' }
  }
  const detail = errorOf(elements?.[0]) ?? `HTTP ${status}`
  if (status === 408 || status === 429 || status >= 500) {
    return { kind: 'failed', status, retryAfterMs: retryAfterMs(retryAfter, now), detail }
  }
  const isAddressWrong = elements === null && (status === 401 || status === 404 || status === 405)
  if (ABOUT_THE_APP.test(detail) || isAddressWrong || status < 400) return { kind: 'refused', status, detail }
  // One element may have spoilt it for all: an oversized one, one a firewall dislikes, one without ids.
  return { kind: 'split', status, detail }
}

function elementsOf(text: string): WireElement[] | null {
  try {
    const parsed: unknown = JSON.parse(text)
    const response = typeof parsed === 'object' && parsed !== null && 'response' in parsed ? parsed.response : null
    return Array.isArray(response) ? response.map(asElement) : null
  } catch {
    // A proxy's page, half an answer: whoever asks treats it like no answer.
    return null
  }
}

function asElement(value: unknown): WireElement {
  return typeof value === 'object' && value !== null ? (value as WireElement) : {}
}

/** The error text of an element. */
export function errorOf(element: WireElement | undefined): string | null {
  return noticeOf(element, 'error')
}

/** The warning text of an element. */
export function warningOf(element: WireElement | undefined): string | null {
  return noticeOf(element, 'warning')
}

function noticeOf(element: WireElement | undefined, field: 'error' | 'warning'): string | null {
  const notice = element?.[field]
  if (typeof notice !== 'object' || notice === null) return null
  return 'message' in notice && typeof notice.message === 'string' ? notice.message : JSON.stringify(notice)
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
