import type { OutgoingChannel, OutgoingPart } from '../engine/messages/outgoing.ts'
import type { Dial } from '../services/dial.ts'
import type { Egress } from '../services/egress.ts'
import { apnsSender } from './apns.ts'
import { emailSender } from './email.ts'
import { fcmSender } from './fcm.ts'
import type { OutboxSender } from './sender.ts'
import { checkedSettings, type MessagingSettings } from './settings.ts'
import { webhookSender } from './webhook.ts'
import { webPushSender } from './web-push.ts'

/** The ways that every app has to people. */
export interface Senders {
  /** `null`: the app has no settings for this channel. */
  of(appId: string, channel: OutgoingChannel): OutboxSender | null
  close(): void
}

export interface SendersOptions {
  /** By app. */
  readonly messaging: Readonly<Record<string, MessagingSettings>>
  readonly egress: Egress
  readonly dial: Dial
}

/** @throws {DamsonError} MESSAGING_INVALID */
export function createSenders({ messaging, egress, dial }: SendersOptions): Senders {
  const webhook = anyPart('webhook', webhookSender(egress))
  const apps = new Map<string, ReadonlyMap<OutgoingChannel, OutboxSender>>()
  for (const [appId, settings] of Object.entries(messaging)) {
    const { email, webPush, fcm, apns } = checkedSettings(appId, settings)
    const own = new Map<OutgoingChannel, OutboxSender>()
    if (email) own.set('email', anyPart('email', emailSender(email, dial)))
    if (webPush) own.set('webPush', anyPart('webPush', webPushSender(webPush, egress)))
    if (fcm) own.set('fcm', anyPart('fcm', fcmSender(fcm, egress)))
    if (apns) own.set('apns', anyPart('apns', apnsSender(apns, egress)))
    apps.set(appId, own)
  }
  return {
    of: (appId, channel) => (channel === 'webhook' ? webhook : (apps.get(appId)?.get(channel) ?? null)),
    close: () => {
      for (const own of apps.values()) for (const sender of own.values()) sender.close?.()
    },
  }
}

/** A sender whose part is looked at when it comes: the compiler has lost sight of it, as it was JSON in between. */
function anyPart<Channel extends OutgoingChannel>(
  channel: Channel,
  sender: OutboxSender<Extract<OutgoingPart, { channel: Channel }>>,
): OutboxSender {
  type Part = Extract<OutgoingPart, { channel: Channel }>
  const checked = (part: OutgoingPart): Part => {
    if (part.channel !== channel) throw new Error(`Expected a part for ${channel}, found one for ${part.channel}.`)
    return part as Part
  }
  return {
    ...sender,
    laneOf: (part) => sender.laneOf(checked(part)),
    send: (part, context) => sender.send(checked(part), context),
  }
}
