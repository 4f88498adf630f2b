import type { Clock, Consent, Params, TrackOptions } from '@damson/core'
import type { CookieOptions } from '@damson/core/web'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What `app.use` takes. Written out so that no version of `@types/express` is asked for. */
export type Middleware<R extends IncomingMessage = IncomingMessage> = (
  request: R,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

/** What one request is tracked as. */
export interface TrackedRequest extends Omit<TrackOptions, 'time' | 'urgent'> {
  readonly event: string
  readonly params?: Params
}

export interface BeaconSettings {
  /** Below the place where the middleware is mounted. Default `/damson/beacon`; its script is that with `.js`. */
  readonly path?: string
  /** The events a page may track by itself; none if it is left out. */
  readonly allowEvents?: readonly string[]
}

export interface DamsonOptions<R extends IncomingMessage = IncomingMessage> {
  /** For the visitors' cookie, newest first, each of 32 characters or more. Needed unless `cookie` is `false`. */
  readonly secrets?: readonly string[]
  /**
   * The id of the signed-in user, from what your sign-in put on the request: mount that before. Asked again whenever it
   * matters, so a route that signs somebody in is already theirs. Without it, or without an answer, the visitor is anonymous.
   */
  readonly identify?: (request: R) => string | null | undefined
  /** A device id of your own (an app's header, say), instead of the cookie's. */
  readonly deviceId?: (request: R) => string | null | undefined
  /** Requests that are no sign of life, on top of assets, prefetches, `HEAD` and `OPTIONS`: polling, health checks. */
  readonly ignore?: (request: R) => boolean
  /**
   * `true` tracks every page a browser was shown as the event `Page viewed`; a function says what a request is tracked as, or
   * `null`. Asked after the response. Default `false`.
   */
  readonly trackRequests?: boolean | ((request: R, response: ServerResponse) => TrackedRequest | null)
  /** `false` sets none: then only users and devices that you name have sessions. */
  readonly cookie?: CookieOptions | false
  /** The endpoint and the script by which pages tell when they are seen. `false` leaves both out. */
  readonly beacon?: BeaconSettings | false
  /** Default: `denied` to browsers that send Global Privacy Control or Do Not Track. No cookie is set without `granted`. */
  readonly consent?: (request: R) => Consent
  /** Whatever goes wrong in here: the request goes on regardless. Default: a warning of the process, once each. */
  readonly onError?: (error: unknown) => void
  /** Where the runtime may sleep after the response: `waitUntil` of your platform. */
  readonly waitUntil?: (work: Promise<unknown>) => void
  /** For tests. */
  readonly clock?: Clock
}

const warned = new Set<string>()
const MAX_WARNED = 100

/** The default of `onError`. Each message once, or a fault in `identify` would fill the log. */
export function warnOnce(error: unknown): void {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  if (warned.has(message) || warned.size >= MAX_WARNED) return
  warned.add(message)
  process.emitWarning(message, { type: 'DamsonWarning', ...(error instanceof Error && { detail: error.stack ?? '' }) })
}
