import type { Client, Params } from '@damson/core'
import { createBeaconHandlers, type BeaconHandlers } from './beacon-route.ts'
import { createProxy, type Proxy } from './proxy.ts'
import { createOnRequestError, type OnRequestError } from './request-error.ts'
import { createTrackerOf, createWithTracking, engineHandlers } from './routes.ts'
import type { Engine, EngineHandlers, TrackerOf, WithTracking } from './routes.ts'
import type { Trackers } from './trackers.ts'

export type { BeaconHandlers } from './beacon-route.ts'
export type { DamsonOptions, IdentifiedRequest } from './options.ts'
export type { Proxy } from './proxy.ts'
export type { OnRequestError } from './request-error.ts'
export type { Engine, EngineHandlers, IncomingRequest, TrackedHandler, TrackerOf, WithTracking } from './routes.ts'

/** What works from the request alone: no `node:` module and no `next/headers.js`, so it runs on the edge too. */
export interface EdgeDamson<E extends object = Record<string, Params>> {
  /** The process's one client: for `flush()`, `stats()` and identities of your own. */
  client(): Client<E>
  readonly proxy: Proxy
  readonly withTracking: WithTracking<E>
  /** For `getServerSideProps` and API routes of the Pages Router. */
  readonly trackerOf: TrackerOf<E>
  readonly onRequestError: OnRequestError
  /** The beacon's endpoint. */
  readonly handlers: BeaconHandlers
  readonly engineHandlers: (engine: Engine) => EngineHandlers
}

/** Everything but what needs `next/headers.js`. */
export function fromRequests<E extends object>(trackers: Trackers<E>): EdgeDamson<E> {
  return {
    client: trackers.client,
    proxy: createProxy(trackers),
    withTracking: createWithTracking(trackers),
    trackerOf: createTrackerOf(trackers),
    onRequestError: createOnRequestError(trackers),
    handlers: createBeaconHandlers(trackers),
    engineHandlers,
  }
}
