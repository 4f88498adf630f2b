import type { Tracker } from '@damson/core'
import { headersOf, isPrefetch, type HeaderReader } from '@damson/core/web'
import { NextResponse } from 'next/server.js'
import { AS_IN_COOKIE, VISITOR_HEADER, type Trackers } from './trackers.ts'

/**
 * For `proxy.ts`, or `middleware.ts` before Next 16. The second argument is the response of your own proxy, if you have one;
 * Next itself passes its event there, which is not needed.
 */
export type Proxy = (request: Request, response?: Response | FetchEventLike) => Promise<Response>

interface FetchEventLike {
  waitUntil(work: Promise<unknown>): void
}

/** Who is visiting, and the cookie to be set if they are new, or have just signed in. */
interface Greeting<E extends object> {
  readonly told: string
  readonly setCookie: string | null
  readonly tracker: Tracker<E> | null
}

/**
 * Gives each visitor a cookie and tells pages who came, so that no layout has to read cookies and static pages stay static.
 * Counts the pages a browser loads. Of what the router fetches (prefetches, RSC) nothing is counted: Next hides the headers
 * that tell them apart, so the beacon reports pages the router moved to.
 */
export function createProxy<E extends object>(trackers: Trackers<E>): Proxy {
  const { visitors, attempt } = trackers

  async function greet(headers: HeaderReader, isCounted: boolean): Promise<Greeting<E>> {
    const known = await visitors().read(headers.get('cookie'))
    const visitor = known ?? visitors().issue()
    // Whoever signed in without a page load has somebody to become before the cookie says that it is done.
    const isAsked = isCounted || (known !== null && known.hasSignedIn !== true)
    const tracker = isAsked ? await attempt(() => trackers.tracker(headers, visitor, known === null)) : null
    const signedIn = tracker?.userId === undefined || visitor.hasSignedIn ? null : { ...visitor, hasSignedIn: true }
    const fresh = known === null ? (signedIn ?? visitor) : (visitors().renew(signedIn ?? known) ?? signedIn)
    const setCookie = fresh === null ? null : await visitors().cookieFor(fresh)
    // Of a known visitor the page reads the cookie that came: with another client of ours it has to hand over as well.
    const told = known !== null || setCookie === null ? AS_IN_COOKIE : setCookie.slice(0, setCookie.indexOf(';'))
    return { told, setCookie, tracker }
  }

  return async function proxy(request, response) {
    const headers = headersOf(request.headers)
    const isCounted = isPageLoad(request.method, headers)
    const greeting = isPrefetch(headers) ? null : await attempt(() => greet(headers, isCounted))
    // Whoever sends the header himself is not believed: without a greeting it goes, too.
    const own = response !== undefined && 'headers' in response ? response : undefined
    const answer = tell(request, own, greeting?.told ?? null)
    if (greeting === null) return answer
    if (isCounted) await attempt(() => trackers.pageView(greeting.tracker, new URL(request.url).pathname))
    return greeting.setCookie === null ? answer : withCookie(answer, greeting.setCookie)
  }
}

/** A browser that shows a new page says so; one too old, or without TLS, at least asks for HTML, as no router does. */
function isPageLoad(method: string, headers: HeaderReader): boolean {
  if (method !== 'GET' || headers.get('rsc') !== null) return false
  const destination = headers.get('sec-fetch-dest')
  if (destination !== null) return destination === 'document'
  return headers.get('accept')?.includes('text/html') === true
}

const OVERRIDDEN = 'x-middleware-override-headers'
const OVERRIDE_PREFIX = 'x-middleware-request-'

/** Sends the request on with our header; a response that ends it here (a redirect, a refusal) stays as it is. */
function tell(request: Request, response: Response | undefined, told: string | null): Response {
  const headers = new Headers(request.headers)
  headers.delete(VISITOR_HEADER)
  if (told !== null) headers.set(VISITOR_HEADER, told)
  const goOn = NextResponse.next({ request: { headers } })
  if (response === undefined) return goOn
  if (!response.headers.has('x-middleware-next') && !response.headers.has('x-middleware-rewrite')) return response
  const overridden = response.headers.get(OVERRIDDEN)
  if (overridden === null) {
    for (const [name, value] of goOn.headers) {
      if (name === OVERRIDDEN || name.startsWith(OVERRIDE_PREFIX)) response.headers.set(name, value)
    }
    return response
  }
  const others = overridden.split(',').filter((name) => name.trim() !== VISITOR_HEADER)
  response.headers.set(OVERRIDDEN, (told === null ? others : [...others, VISITOR_HEADER]).join(','))
  response.headers.delete(OVERRIDE_PREFIX + VISITOR_HEADER)
  if (told !== null) response.headers.set(OVERRIDE_PREFIX + VISITOR_HEADER, told)
  return response
}

/** A cookie is for one visitor: no cache on the way may keep it for the next, though the page itself is for everybody. */
function withCookie(response: Response, setCookie: string): Response {
  const answer = mutable(response)
  answer.headers.append('set-cookie', setCookie)
  if (!answer.headers.has('cache-control')) answer.headers.set('cache-control', 'private, no-cache')
  return answer
}

/** `Response.redirect()` and what `fetch` gave have headers that cannot be changed; a copy can. */
function mutable(response: Response): Response {
  try {
    response.headers.delete('x-damson-probe')
    return response
  } catch {
    return new Response(response.body, response)
  }
}
