import type { EpochMs } from '@damson/core'
import type { MessageChannel } from '@damson/core/protocol'
import type { Channel } from '../content/messages/source.ts'
import { contentKind } from '../content/snapshot.ts'
import type { NewDelivery } from '../store/store.ts'
import type { Draft } from './draft.ts'
import type { KnownMessage } from './postbacks/message-events.ts'
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

/** What postbacks call them; of the others there are none. */
const CHANNELS: Readonly<Record<Channel, MessageChannel | null>> = {
  push: 'Push Notification',
  email: 'Email',
  inApp: 'In-app Message',
  webhook: null,
  inbox: null,
}

/** What is to be sent out for a draft: messages, and what the rules of the app want sent because of what it adds to its history. */
export function sendingsOf(draft: Draft, { appId, services, now, deviceId }: Sending): readonly NewDelivery[] {
  const { entries, profile, deliveries } = draft
  if (entries.length === 0) return deliveries
  const postbacks = services.catalog.of(appId, POSTBACKS)
  const hooks = services.catalog.of(appId, HOOKS)
  if (postbacks.length === 0 && hooks.length === 0) return deliveries
  const newId = () => `msg_${services.token()}`
  const { messages } = services.catalog.of(appId, contentKind)
  const message = (id: number): KnownMessage | null => {
    const found = messages.byId.get(id)
    return found === undefined ? null : { channel: CHANNELS[found.channel], template: found.source.template ?? '' }
  }
  return [...deliveries, ...postbacksOf(entries, profile, { appId, postbacks, hooks, now, deviceId, newId, message })]
}
