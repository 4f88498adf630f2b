import { headersOf, type HeaderSource } from '@damson/core/web'
import type { Tracker } from '@damson/core'
import type { Trackers } from './trackers.ts'

/** What Next hands to `onRequestError` in `instrumentation.ts`; we look at no more than this. */
export type OnRequestError = (
  error: unknown,
  request: { readonly headers: HeaderSource },
  context: { readonly routePath: string; readonly routeType: string },
) => Promise<void>

/**
 * Tracks `Request failed` for whoever met the error: the route as it is written (`/items/[id]`), and the digest by which it
 * is found in your log. Never the message, which may hold anything. Passive: an error is not something the user did.
 */
export function createOnRequestError<E extends object>(trackers: Trackers<E>): OnRequestError {
  return async function onRequestError(error, request, { routePath, routeType }) {
    await trackers.attempt(async () => {
      const headers = headersOf(request.headers)
      // Whoever comes for the first time has no cookie yet: then the proxy knows who they are.
      const visitor = (await trackers.visitorOf(headers)) ?? (await trackers.visitors().read(headers.get('cookie')))
      const tracker: Tracker | null = await trackers.tracker(headers, visitor)
      const digest = (error as { digest?: unknown } | null | undefined)?.digest
      const params = { route: routePath, kind: routeType, ...(typeof digest === 'string' && { digest }) }
      await tracker?.track('Request failed', params, { disposition: 'passive' })
    })
  }
}
