import type { Tracker } from '@damson/core'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { DamsonOptions, TrackedRequest } from './options.ts'
import { isNavigation, routeOf } from './requests.ts'
import { report, type Scope } from './scope.ts'

/**
 * What an answered request tells of a session. Told after the response, when it is known who signed in and how it went; so it
 * costs the visitor nothing. Never throws.
 */
export function noteSignOfLife(scope: Scope): void {
  const { options, request, response } = scope.arrival
  const failed = (error: unknown): void => report(options, error)
  try {
    if (scope.hasLoggedOut || !scope.isAnybody || !isReliable(scope)) return
    const tracker = scope.tracker()
    seen(tracker, isNavigation(request))?.catch(failed)
    const tracked = trackedAs(options, request, response)
    if (tracked === null) return
    const { event, params, ...rest } = tracked
    // Without waiting in between: what is said in one turn travels together.
    tracker.track(event, params, rest).catch(failed)
  } catch (error) {
    failed(error)
  }
}

/**
 * Whoever has just been given a cookie may never bring it back, as crawlers do not, and each of their requests would be a
 * session. So only a page that was found counts at once; the rest counts from the second request on.
 */
function isReliable({ standing, arrival }: Scope): boolean {
  return standing !== 'new' || (isNavigation(arrival.request) && arrival.response.statusCode < 400)
}

/**
 * A request is a sign of life; but hidden pages go on polling. Where pages told that they are hidden, by the beacon, only going
 * to a page counts until they are seen again.
 */
function seen(tracker: Tracker, isNavigating: boolean): Promise<void> | null {
  // At once: the page's own beacon may come to another process in a moment.
  if (isNavigating) return tracker.ensureSession({ resume: true, urgent: true })
  const { session } = tracker
  const wasHidden = session?.phase === 'paused' || session?.lapsed === 'paused'
  return wasHidden ? null : tracker.ensureSession()
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
