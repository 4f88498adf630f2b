import type { Params } from '@damson/core'
import { fromRequests, type EdgeDamson } from './from-requests.ts'
import { settingsOf, type DamsonOptions } from './options.ts'
import { createTrackers } from './trackers.ts'

export type * from './from-requests.ts'
export { engineHandlers } from './routes.ts'

/** As `createDamson` of `@damson/next`, without what Server Components and Server Actions need. */
export function createDamson<E extends object = Record<string, Params>>(options: DamsonOptions<E>): EdgeDamson<E> {
  return fromRequests(createTrackers(settingsOf(options)))
}
