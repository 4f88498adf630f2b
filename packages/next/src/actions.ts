import type { Params, Tracker, TrackOptions } from '@damson/core'
import { headersOf } from '@damson/core/web'
import { cookies, headers } from 'next/headers.js'
import { isRedirect } from './control-flow.ts'
import type { Trackers } from './trackers.ts'

/** What an action says about its event. */
export interface ActionEvent extends TrackOptions {
  readonly params?: Params
}

type ServerAction<A extends unknown[], R> = (...args: A) => Promise<R>

/** `undefined` as result: the action ended with `redirect()`. `null` as answer: nothing happened, so nothing is tracked. */
export type DescribeAction<A extends unknown[], R> = (result: R | undefined, ...args: A) => ActionEvent | null

export type TrackAction<E extends object> = <A extends unknown[], R>(
  event: keyof E & string,
  action: ServerAction<A, R>,
  describe?: DescribeAction<A, R>,
) => ServerAction<A, R>

export type GetTracker<E extends object> = () => Promise<Tracker<E> | null>

/**
 * The tracker of whoever this Server Component or Server Action runs for. `null` if that is nobody: a prefetch, or a request
 * that did not pass the proxy. Reads the request, so a page that calls it is rendered for each visitor: leave it out of
 * layouts.
 */
export function createGetTracker<E extends object>(trackers: Trackers<E>): GetTracker<E> {
  return async function getTracker() {
    // Before anything is caught: by throwing here, a page tells Next that it cannot be static.
    const request = headersOf(await headers())
    return trackers.attempt(async () => {
      const visitor = await trackers.visitorOf(request)
      // A page fetched ahead passes no proxy; an action is never fetched ahead, so there the cookie alone will do.
      const isAction = request.get('next-action') !== null
      if (visitor === null && !isAction) return null
      return trackers.tracker(request, visitor ?? (await trackers.visitors().read(request.get('cookie'))))
    })
  }
}

export type Logout = () => Promise<void>

/**
 * Ends the session of the user who is signed in and gives the browser the cookie of a stranger. For Server Actions and
 * routes; before your own sign-out, while the request still says whose it is. Rejects only with what Next throws to steer.
 */
export function createLogout<E extends object>(trackers: Trackers<E>, getTracker: GetTracker<E>): Logout {
  return async function logout() {
    const tracker = await getTracker()
    await trackers.attempt(async () => {
      await tracker?.stop({ urgent: true })
      const visitors = trackers.visitors()
      const jar = await cookies()
      if (jar.has(visitors.cookieName)) jar.set(await visitors.cookieOf(visitors.issue()))
    })
  }
}

/**
 * A Server Action that tracks one event when it has done its work, a closing `redirect()` included; what fails is not
 * tracked. Whatever it returns or throws goes on untouched.
 */
export function createTrackAction<E extends object>(trackers: Trackers<E>, getTracker: GetTracker<E>): TrackAction<E> {
  return (event, action, describe) => {
    async function report(...[result, ...args]: Parameters<NonNullable<typeof describe>>): Promise<void> {
      const tracker: Tracker | null = await getTracker()
      const described = describe === undefined ? {} : describe(result, ...args)
      if (described === null) return
      const { params, ...options } = described
      await tracker?.track(event, params, options)
    }

    return async function tracked(...args) {
      let result
      try {
        result = await action(...args)
      } catch (error) {
        if (isRedirect(error)) await trackers.attempt(() => report(undefined, ...args))
        throw error
      }
      await trackers.attempt(() => report(result, ...args))
      return result
    }
  }
}
