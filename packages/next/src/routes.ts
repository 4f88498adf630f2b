import type { Tracker } from '@damson/core'
import { headersOf, isPrefetch, type HeaderSource } from '@damson/core/web'
import type { Trackers } from './trackers.ts'

/** `null` when nobody is known: a request without our cookie, and not signed in. */
export type TrackedHandler<E extends object, R extends Request, C> = (
  request: R,
  context: C,
  tracker: Tracker<E> | null,
) => Response | Promise<Response>

export type WithTracking<E extends object> = <R extends Request, C>(
  handler: TrackedHandler<E, R, C>,
) => (request: R, context: C) => Promise<Response>

/** A request of either router: a `Request`, or what `getServerSideProps` and API routes are given. */
export interface IncomingRequest {
  readonly headers: HeaderSource
}

export type TrackerOf<E extends object> = (request: IncomingRequest) => Promise<Tracker<E> | null>

/**
 * The tracker of whoever a request comes from, by what the proxy told or by the signed cookie. `null` if nobody is known, or
 * it was only fetched ahead. For the Pages Router, whose functions are handed the request. Never rejects.
 */
export function createTrackerOf<E extends object>(trackers: Trackers<E>): TrackerOf<E> {
  return ({ headers: source }) =>
    trackers.attempt(async () => {
      const headers = headersOf(source)
      if (isPrefetch(headers)) return null
      const visitor = (await trackers.visitorOf(headers)) ?? (await trackers.visitors().read(headers.get('cookie')))
      return trackers.tracker(headers, visitor)
    })
}

/**
 * Hands a route handler the tracker of whoever asks, by the signed cookie and not by what the proxy says, and keeps their
 * session alive. A visitor without a cookie gets none here: whoever calls an API need not be a browser.
 */
export function createWithTracking<E extends object>(trackers: Trackers<E>): WithTracking<E> {
  const trackerOf = createTrackerOf(trackers)
  return (handler) =>
    async function tracked(request, context) {
      const tracker = await trackerOf(request)
      await trackers.attempt(() => tracker?.heartbeat())
      return handler(request, context, tracker)
    }
}

/** The part of a `@damson/server` that a route needs. */
export interface Engine {
  fetch(request: Request): Promise<Response>
}

export type EngineHandlers = Record<'GET' | 'POST' | 'OPTIONS' | 'HEAD', (request: Request) => Promise<Response>>

/** The Leanplum API itself, inside the app: `export const { GET, POST, OPTIONS, HEAD } = engineHandlers(server)`. */
export function engineHandlers(engine: Engine): EngineHandlers {
  const answer = (request: Request) => engine.fetch(request)
  return { GET: answer, POST: answer, OPTIONS: answer, HEAD: answer }
}
