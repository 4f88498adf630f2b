import { done } from '@damson/core/protocol'
import type { AppQuery } from './index.ts'

/** Any constant of 64 hexadecimal digits will do: a changed one makes SDKs ask again (specification 2.1, 8.15). */
const MIGRATE_STATE_SHA256 = '6b3e0f8a5d0c4f0f9f3a7f0d4c1d0e8e4a1f9d3b7c2e5a8f1d4b7e0a3c6f9b2d'

/** `getMigrateState`: the SDK's start waits for it. `lp` keeps the SDK with us. @source observed: specification 8.15 */
export const getMigrateState: AppQuery<'getMigrateState'> = () =>
  done({ state: 'NONE', sdk: 'lp', sha256: MIGRATE_STATE_SHA256, api: { profile: 'lp', events: 'lp' } })

/** `log`: what an SDK has to say about itself. Taken, and not kept. */
export const log: AppQuery<'log'> = () => done()
