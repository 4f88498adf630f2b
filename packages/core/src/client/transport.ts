import type { WireElement } from './action.ts'
import type { Core } from './core.ts'
import { retryAfterMs } from './retry.ts'

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
  /** Of what was answered. */
  readonly elements?: readonly WireElement[] | undefined
  /** What the server asks for, if it does. */
  readonly retryAfterMs?: number
}

export type FetchLike = (request: Request) => Promise<Response> | Response

/** Browsers bound the bytes of all keepalive requests together; below this ours fit. */
const KEEPALIVE_MAX = 60_000

/** Texts that concern the app and so every action (specification 2.3). */
const ABOUT_THE_APP = /^(Invalid access|App not found|Development mode|'(appId|clientKey)')/

/** Sends one body. Never rejects. */
export async function post(core: Core, body: string, abort: AbortController): Promise<Verdict> {
  const { signal } = abort
  const cancel = core.timers.after(core.requestTimeoutMs, () => abort.abort('no answer in time'), false)
  try {
    return await new Promise((resolve, reject) => {
      // A `fetch` that does not know the signal (an engine in the same process) is left alone, not waited for.
      signal.addEventListener('abort', () => reject(signal.reason))
      exchange(core, body, signal).then(resolve, reject)
    })
  } catch (error) {
    const { cause } = Object(error) as Error
    const detail = String(error) + (cause ? `: ${String(cause)}` : '')
    return { kind: 'failed', status: 0, detail }
  } finally {
    cancel()
  }
}

async function exchange({ fetch, endpoint, clock }: Core, body: string, signal: AbortSignal): Promise<Verdict> {
  const isBrowser = 'document' in globalThis
  // Text, which is what it is without a type, spares browsers a preflight request; the official Web SDK does the same
  // (specification 1.4).
  const headers: Record<string, string> = isBrowser ? {} : { 'content-type': 'application/json' }
  // Left out elsewhere: not every runtime knows it.
  const keepalive = isBrowser && body.length < KEEPALIVE_MAX && { keepalive: true }
  const init = { method: 'POST', headers, body, signal, ...keepalive }
  // Node makes a request of its own even where it is handed one, and one costs as much as a hundred calls of `track`.
  const response = await (fetch ? fetch(new Request(endpoint, init)) : globalThis.fetch(endpoint, init))
  const elements = elementsOf(await response.text())
  const { ok, status } = response
  const detail = noticeOf(elements?.[0], 'error') ?? `HTTP ${status}`
  const isFailed = ok ? !elements : status === 408 || status === 429 || status >= 500
  const isAddressWrong = !elements && [401, 404, 405].includes(status)
  const isRefused = status < 400 || isAddressWrong || ABOUT_THE_APP.test(detail)
  return {
    // One element may have spoilt it for all: an oversized one, one a firewall dislikes, one without ids.
    kind: isFailed ? 'failed' : ok ? 'answered' : isRefused ? 'refused' : 'split',
    status,
    detail,
    elements: ok ? elements : undefined,
    retryAfterMs: retryAfterMs(response.headers.get('retry-after'), clock.now()),
  }
}

function elementsOf(text: string): readonly WireElement[] | undefined {
  try {
    return (JSON.parse(text) as { response: unknown[] }).response.map(Object)
  } catch {
    // A proxy's page, half an answer: it is treated like no answer.
    return undefined
  }
}

/** The text of an element's error or warning. */
export function noticeOf(element: WireElement | undefined, kind: 'error' | 'warning'): string | undefined {
  const notice = element?.[kind] as { message?: unknown } | null | undefined
  return notice ? String(notice.message ?? JSON.stringify(notice)) : undefined
}
