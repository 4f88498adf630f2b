import type { Tracker } from '@damson/core'
import { headersOf, isPrefetch } from '@damson/core/web'
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

/**
 * Hands a route handler the tracker of whoever asks, by the signed cookie and not by what the proxy says, and keeps their
 * session alive. A visitor without a cookie gets none here: whoever calls an API need not be a browser.
 */
export function createWithTracking<E extends object>(trackers: Trackers<E>): WithTracking<E> {
  const { visitors, attempt } = trackers
  return (handler) =>
    async function tracked(request, context) {
      const headers = headersOf(request.headers)
      const tracker = await attempt(async () => {
        if (isPrefetch(headers)) return null
        const visitor = (await trackers.visitorOf(headers)) ?? (await visitors().read(headers.get('cookie')))
        const found = await trackers.tracker(headers, visitor)
        await found?.heartbeat()
        return found
      })
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
