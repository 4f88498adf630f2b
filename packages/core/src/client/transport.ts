import type { Clock } from '../clock.ts'
import type { WireElement } from './action.ts'
import { retryAfterMs } from './retry.ts'
import type { Timers } from './timers.ts'

/** What a request came to. */
export interface Verdict {
  /**
   * - `answered`: the server took the request and says what became of each element.
   * - `failed`: try again later: network (`status` 0), 408, 429, 5xx, or an answer that is none.
   * - `split`: not this request, but smaller ones perhaps.
   * - `refused`: nothing of this app will be taken: wrong key, unknown app, wrong address.
   */
  readonly kind: 'answered' | 'failed' | 'split' | 'refused'
  readonly status: number
  /** The server's words if it had any. */
  readonly detail: string
  readonly elements: readonly WireElement[]
  /** What the server asks for; `null` if it asks for nothing. */
  readonly retryAfterMs: number | null
}

export type FetchLike = (request: Request) => Promise<Response> | Response

export interface TransportSetup {
  readonly fetch: FetchLike
  readonly endpoint: string
  readonly clock: Clock
  readonly timers: Timers
  /** Until the last byte of the answer. Milliseconds. */
  readonly requestTimeoutMs: number
}

export interface Transport {
  /** Sends one body. Never rejects. */
  post(body: string): Promise<Verdict>
  /** Gives up whatever is under way. */
  abort(): void
}

/** Browsers bound the bytes of all keepalive requests together; below this ours fit. */
const KEEPALIVE_MAX = 60_000

export function createTransport({ fetch, endpoint, clock, timers, requestTimeoutMs }: TransportSetup): Transport {
  const underWay = new Set<(why: string) => void>()
  const isBrowser = 'document' in globalThis
  // text/plain spares browsers a preflight request; the official Web SDK does the same (specification 1.4).
  const headers = { 'content-type': isBrowser ? 'text/plain;charset=UTF-8' : 'application/json' }

  async function exchange(body: string, signal: AbortSignal): Promise<Verdict> {
    const keepalive = isBrowser && body.length < KEEPALIVE_MAX && { keepalive: true }
    const response = await fetch(new Request(endpoint, { method: 'POST', headers, body, signal, ...keepalive }))
    return judge(response.status, response.headers.get('retry-after'), await response.text(), clock.now())
  }

  return {
    post: (body) =>
      new Promise((resolve) => {
        const abort = new AbortController()
        const end = (verdict: Verdict) => {
          cancel()
          underWay.delete(giveUp)
          resolve(verdict)
        }
        const fail = (error: unknown) =>
          end({ kind: 'failed', status: 0, detail: messageOf(error), elements: [], retryAfterMs: null })
        // A `fetch` that does not know the signal (an engine in the same process) is left alone, not waited for.
        const giveUp = (why: string) => {
          abort.abort()
          fail(why)
        }
        const cancel = timers.after(requestTimeoutMs, () => giveUp(`no answer within ${requestTimeoutMs} ms`), false)
        underWay.add(giveUp)
        exchange(body, abort.signal).then(end, fail)
      }),
    abort() {
      for (const giveUp of underWay) giveUp('closed')
    },
  }
}

/** Texts that concern the app and so every action (specification 2.3). */
const ABOUT_THE_APP = /^(Invalid access key|App not found|Development mode requested|'(appId|clientKey)')/

export function judge(status: number, retryAfter: string | null, text: string, now: number): Verdict {
  const elements = elementsOf(text)
  const detail = errorOf(elements?.[0]) ?? `HTTP ${status}`
  const verdict = { status, detail, elements: elements ?? [], retryAfterMs: retryAfterMs(retryAfter, now) }
  if (status >= 200 && status < 300) {
    return elements === null
      ? { ...verdict, kind: 'failed', detail: 'not an envelope' }
      : { ...verdict, kind: 'answered' }
  }
  if (status === 408 || status === 429 || status >= 500) return { ...verdict, kind: 'failed' }
  const isAddressWrong = elements === null && (status === 401 || status === 404 || status === 405)
  // One element may have spoilt it for all: an oversized one, one a firewall dislikes, one without ids.
  return { ...verdict, kind: ABOUT_THE_APP.test(detail) || isAddressWrong || status < 400 ? 'refused' : 'split' }
}

function elementsOf(text: string): WireElement[] | null {
  try {
    const { response } = JSON.parse(text) as { response: unknown[] }
    return response.map((element) => Object(element) as WireElement)
  } catch {
    // A proxy's page, half an answer: whoever asks treats it like no answer.
    return null
  }
}

/** The error text of an element. */
export function errorOf(element: WireElement | undefined): string | null {
  return noticeOf(element?.['error'])
}

/** The warning text of an element. */
export function warningOf(element: WireElement | undefined): string | null {
  return noticeOf(element?.['warning'])
}

function noticeOf(notice: unknown): string | null {
  if (typeof notice !== 'object' || notice === null) return null
  return String((notice as { message?: unknown }).message ?? JSON.stringify(notice))
}

function messageOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return String(error) + (cause === undefined ? '' : `: ${String(cause)}`)
}
