import type { Tracker } from '@damson/core'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DamsonOptions, TrackedRequest } from './options.ts'
import { isNavigation, routeOf } from './requests.ts'
import type { Scope } from './scope.ts'

/**
 * What an answered request tells of a session. Told after the response, when it is known who signed in and how it went; so it
 * costs the visitor nothing.
 */
export async function noteSignOfLife(
  scope: Scope,
  options: DamsonOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (scope.hasLoggedOut || !scope.isAnybody || !isReliable(scope, request, response)) return
  const tracker = scope.tracker()
  const told = [seen(tracker, isNavigation(request))]
  const tracked = trackedAs(options, request, response)
  if (tracked !== null) {
    const { event, params, ...rest } = tracked
    // Without waiting in between: what is said in one turn travels together.
    told.push(tracker.track(event, params, rest))
  }
  await Promise.all(told)
}

/**
 * Whoever has just been given a cookie may never bring it back, as crawlers do not, and each of their requests would be a
 * session. So only a page that was found counts at once; the rest counts from the second request on.
 */
function isReliable(scope: Scope, request: IncomingMessage, response: ServerResponse): boolean {
  return scope.standing !== 'new' || (isNavigation(request) && response.statusCode < 400)
}

/**
 * A request is a sign of life; but hidden pages go on polling. Where pages told that they are hidden, by the beacon, only going
 * to a page counts until they are seen again.
 */
function seen(tracker: Tracker, isNavigating: boolean): Promise<void> {
  // At once: the page's own beacon may come to another process in a moment.
  if (isNavigating) return tracker.ensureSession({ resume: true, urgent: true })
  const { session } = tracker
  const wasHidden = session?.phase === 'paused' || session?.lapsed === 'paused'
  return wasHidden ? Promise.resolve() : tracker.ensureSession()
}

function trackedAs(
  { trackRequests = false }: DamsonOptions,
  request: IncomingMessage,
  response: ServerResponse,
): TrackedRequest | null {
  if (typeof trackRequests === 'function') return trackRequests(request, response)
  const { statusCode } = response
  const isPage = request.method === 'GET' && isNavigation(request) && (statusCode < 300 || statusCode === 304)
  return trackRequests && isPage ? { event: 'Page viewed', params: { page: routeOf(request) } } : null
}
