import type { EpochMs } from '@damson/core'
import type { NewDelivery } from '../store/store.ts'
import type { Draft } from './draft.ts'
import { postbacksOf } from './postbacks/postbacks.ts'
import { HOOKS, POSTBACKS } from './postbacks/rules.ts'
import type { Services } from './scene.ts'

interface Sending {
  readonly appId: string
  readonly services: Services
  readonly now: EpochMs
  /** That the request came from; `null` when there is none. */
  readonly deviceId: string | null
}

/** What the rules of the app want sent because of what a draft adds to its history. */
export function sendingsOf({ entries, profile }: Draft, { appId, services, now, deviceId }: Sending): NewDelivery[] {
  if (entries.length === 0) return []
  const postbacks = services.catalog.of(appId, POSTBACKS)
  const hooks = services.catalog.of(appId, HOOKS)
  if (postbacks.length === 0 && hooks.length === 0) return []
  const newId = () => `msg_${services.token()}`
  return postbacksOf(entries, profile, { appId, postbacks, hooks, now, deviceId, newId })
}
