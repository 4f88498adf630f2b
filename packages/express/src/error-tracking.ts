import type { Client, Params } from '@damson/core'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { warnOnce } from './options.ts'
import { findScope } from './registry.ts'
import { routeOf } from './requests.ts'

export type ErrorMiddleware = (
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

export interface ErrorTrackingOptions {
  /** Default `Request failed`. */
  readonly event?: string
  /** Default: the error's name, the status and the route. Never its message: that may hold what a person typed. */
  readonly params?: (error: unknown, request: IncomingMessage) => Params
  readonly onError?: (error: unknown) => void
}

/**
 * Tracks what routes threw, for whoever it happened to; then it is passed on to your own error handler, which belongs after
 * this. What the visitor got wrong (a status below 500) is none of it. No session is opened or kept alive by it.
 */
export function errorTracking<E extends object>(
  client: Client<E>,
  { event = 'Request failed', params = describe, onError = warnOnce }: ErrorTrackingOptions = {},
): ErrorMiddleware {
  /** Never rejects. */
  async function noteOrReport(error: unknown, request: IncomingMessage): Promise<void> {
    try {
      const scope = findScope(request)
      if (scope === undefined || statusOf(error) < 500) return
      const tracker = (client as unknown as Client).for(scope.identity(), { consent: scope.tracker().consent })
      await tracker.track(event, params(error, request), { disposition: 'passive' })
    } catch (trouble) {
      onError(trouble)
    }
  }

  // Express knows an error handler by its four parameters.
  return function damsonErrorTracking(error, request, _response, next) {
    // Not waited for: the answer is the host's.
    void noteOrReport(error, request)
    next(error)
  }
}

function describe(error: unknown, request: IncomingMessage): Params {
  return { error: error instanceof Error ? error.name : typeof error, status: statusOf(error), route: routeOf(request) }
}

/** As Express reads it when it answers. */
function statusOf(error: unknown): number {
  const { status, statusCode } = (error ?? {}) as { readonly status?: unknown; readonly statusCode?: unknown }
  const found = [status, statusCode].find((each) => typeof each === 'number' && each >= 400 && each < 600)
  return typeof found === 'number' ? found : 500
}
