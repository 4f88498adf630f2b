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
  /** What the server asks for; 0 if it asks for nothing. */
  readonly retryAfterMs: number
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
  const underWay = new Set<AbortController>()
  const isBrowser = 'document' in globalThis
  // text/plain spares browsers a preflight request; the official Web SDK does the same (specification 1.4).
  const headers = { 'content-type': isBrowser ? 'text/plain;charset=UTF-8' : 'application/json' }

  async function exchange(body: string, signal: AbortSignal): Promise<Verdict> {
    const keepalive = isBrowser && body.length < KEEPALIVE_MAX
    const response = await fetch(new Request(endpoint, { method: 'POST', headers, body, signal, keepalive }))
    const elements = elementsOf(await response.text())
    const { ok, status } = response
    const detail = noticeOf(elements?.[0], 'error') ?? `HTTP ${status}${elements ? '' : ' without an envelope'}`
    const isFailed = ok ? !elements : status === 408 || status === 429 || status >= 500
    const isAddressWrong = !elements && [401, 404, 405].includes(status)
    const isRefused = status < 400 || isAddressWrong || ABOUT_THE_APP.test(detail)
    return {
      // One element may have spoilt it for all: an oversized one, one a firewall dislikes, one without ids.
      kind: isFailed ? 'failed' : ok ? 'answered' : isRefused ? 'refused' : 'split',
      status,
      detail,
      elements: elements ?? [],
      retryAfterMs: retryAfterMs(response.headers.get('retry-after'), clock.now()),
    }
  }

  return {
    async post(body) {
      const abort = new AbortController()
      const { signal } = abort
      const giveUp = () => abort.abort(`no answer within ${requestTimeoutMs} ms`)
      const cancel = timers.after(requestTimeoutMs, giveUp, false)
      underWay.add(abort)
      try {
        return await new Promise((resolve, reject) => {
          // A `fetch` that does not know the signal (an engine in the same process) is left alone, not waited for.
          signal.onabort = () => reject(signal.reason)
          exchange(body, signal).then(resolve, reject)
        })
      } catch (error) {
        const { cause } = Object(error) as Error
        const detail = String(error) + (cause ? `: ${String(cause)}` : '')
        return { kind: 'failed', status: 0, detail, elements: [], retryAfterMs: 0 }
      } finally {
        cancel()
        underWay.delete(abort)
      }
    },
    abort() {
      for (const abort of underWay) abort.abort('closed')
    },
  }
}

/** Texts that concern the app and so every action (specification 2.3). */
const ABOUT_THE_APP = /^(Invalid access key|App not found|Development mode|'(appId|clientKey)')/

function elementsOf(text: string): readonly WireElement[] | undefined {
  try {
    return (JSON.parse(text) as { response: unknown[] }).response.map(Object)
  } catch {
    // A proxy's page, half an answer: it is treated like no answer.
    return undefined
  }
}

/** The text of an element's error or warning. */
export function noticeOf(element: WireElement | undefined, kind: 'error' | 'warning'): string | null {
  const notice = element?.[kind] as { message?: unknown } | null | undefined
  return notice ? String(notice.message ?? JSON.stringify(notice)) : null
}
