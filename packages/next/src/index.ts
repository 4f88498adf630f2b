import type { Params } from '@damson/core'
import { createGetTracker, createLogout, createTrackAction } from './actions.ts'
import type { GetTracker, Logout, TrackAction } from './actions.ts'
import { fromRequests, type EdgeDamson } from './from-requests.ts'
import { settingsOf, type DamsonOptions } from './options.ts'
import { createTrackers } from './trackers.ts'

export type { ActionEvent, DescribeAction, GetTracker, Logout, TrackAction } from './actions.ts'
export type * from './from-requests.ts'
export { engineHandlers } from './routes.ts'
export { verifyPostback, type Postback, type PostbackRequest, type VerifyOptions } from '@damson/core/web'

export interface Damson<E extends object = Record<string, Params>> extends EdgeDamson<E> {
  /** For Server Components and Server Actions; a route has `withTracking`. */
  readonly getTracker: GetTracker<E>
  readonly trackAction: TrackAction<E>
  readonly logout: Logout
}

/**
 * Sessions and events for a Next app; one per app, in a module of its own that the others import. Reads nothing and makes
 * nothing until a request comes, so a build needs no keys.
 */
export function createDamson<E extends object = Record<string, Params>>(options: DamsonOptions<E>): Damson<E> {
  const trackers = createTrackers(settingsOf(options))
  const getTracker = createGetTracker(trackers)
  const trackAction = createTrackAction(trackers, getTracker)
  return { ...fromRequests(trackers), getTracker, trackAction, logout: createLogout(trackers, getTracker) }
}
