import { type EpochMs, SECOND_MS } from '@damson/core'
import type { Loaded, ProfileRef, Turn } from '../../store/store.ts'
import { Draft } from '../draft.ts'
import type { Params } from '../entries.ts'
import { recordMessageEvent } from '../occurrence.ts'
import type { Device } from '../profile.ts'
import type { Services } from '../scene.ts'
import { sendingsOf } from '../sendings.ts'
import { nextDeadline } from '../story.ts'
import type { Outgoing, OutgoingPart } from './outgoing.ts'

/** What became of a message, as its profile keeps it. */
export interface MessageOutcome {
  /** Of the delivery: the same event of it is recorded once… */
  readonly id: string
  /** …or once for each of these, if it may happen again. */
  readonly occurrence?: string
  readonly outgoing: Outgoing
  /** `Delivered`, `Bounce`, `Deferred`, `Dropped`, `Unsubscribe`… (specification 7.2, 8.9). */
  readonly event: string
  readonly params: Params
  /** Nobody has the token any more: the device loses it. */
  readonly removesToken: boolean
  /** A category that the user leaves, or `all` of the channel. */
  readonly unsubscribes?: number | 'all'
}

/** Who leaves what: all that the link in a mail says. */
export interface Leaving {
  readonly appId: string
  /** Of the delivery that the mail was. */
  readonly id: string
  readonly messageId: number
  readonly userId: string
  /** A category, or all mail. */
  readonly from: number | 'all'
}

/** The outcome of a mail whose reader left. */
export function unsubscription({ from, ...mail }: Leaving): MessageOutcome {
  return ofReader(mail, { event: 'Unsubscribe', params: {}, unsubscribes: from })
}

function ofReader(
  { id, messageId, userId }: Omit<Leaving, 'from'>,
  what: Omit<MessageOutcome, 'id' | 'outgoing' | 'removesToken'>,
): MessageOutcome {
  const part = { channel: 'email', to: '', subject: '', html: '' } as const
  return { id, outgoing: { messageId, userId, deviceId: null, part }, removesToken: false, ...what }
}

/** What somebody did with a mail: all that a link in it says. */
export interface Reaction extends Omit<Leaving, 'from'> {
  /** The link that was followed; `null`: the mail was opened. */
  readonly link: { readonly index: number; readonly url: string } | null
}

/**
 * The outcome of a mail that was opened, or of a link in it that was followed. Each time is an event of its own; what comes
 * twice within a second is one, and was asked for by a machine.
 * @source assumed: that each time counts, and the names of the parameters; that there are a URL and an index is documented
 */
export function reactionOutcome({ link, ...mail }: Reaction, now: EpochMs): MessageOutcome {
  const second = Math.floor(now / SECOND_MS)
  if (link === null) return ofReader(mail, { event: 'Open', params: {}, occurrence: `${second}` })
  const { url, index } = link
  return ofReader(mail, { event: 'Click', params: { url, index }, occurrence: `${index} ${second}` })
}

/** Whether a message that was tried before is still to be sent. */
export type Review = 'send' | 'settled' | 'unsubscribed' | 'gone'

export interface OutcomeSetting {
  readonly appId: string
  readonly services: Services
  readonly now: EpochMs
}

/** The events after which nothing more is sent. */
const FINAL = ['Delivered', 'Bounce'] as const

/**
 * Whose message it is, in the order they are asked for: the user it was made for; if there is none any more, whoever the
 * anonymous one became, whom their device leads to.
 */
export function refsOf(appId: string, { userId, deviceId }: Outgoing, keys: readonly string[]): readonly ProfileRef[] {
  const seen = { needsSeen: true, seenKeys: keys }
  return [
    { appId, userId, deviceId: null, ...seen },
    { appId, userId: null, deviceId: deviceId ?? userId, ...seen },
  ]
}

/** The keys of the outcomes after which a message is not sent again. */
export function finalKeysOf(id: string): readonly string[] {
  return FINAL.map((event) => `${id} ${event}`)
}

/** The key by which an outcome that was recorded is known again. */
export function keyOf({ id, event, occurrence }: MessageOutcome): string {
  return occurrence === undefined ? `${id} ${event}` : `${id} ${event} ${occurrence}`
}

/** What is known of a message before it is tried again: after a crash nobody said what came of the last try. */
export function reviewTurn({ subject, seen }: Loaded, id: string, { part }: Outgoing): Turn<Review | null> {
  if (subject === null) return { answer: null }
  if (subject.blocked) return { answer: 'gone' }
  if (finalKeysOf(id).some((key) => seen(key) !== undefined)) return { answer: 'settled' }
  const { unsubscribedChannels, unsubscribedCategories } = subject
  const categoryId = part.channel === 'email' ? part.categoryId : undefined
  const hasLeft =
    unsubscribedChannels.includes(UNSUBSCRIBE_CHANNELS[part.channel]) ||
    (categoryId !== undefined && unsubscribedCategories.includes(categoryId))
  return { answer: hasLeft ? 'unsubscribed' : 'send' }
}

/** As `setUserAttributes` names them. @source documented: specification 8.5 */
const UNSUBSCRIBE_CHANNELS: Readonly<Record<OutgoingPart['channel'], string>> = {
  email: 'Email',
  webPush: 'Push Notification',
  fcm: 'Push Notification',
  apns: 'Push Notification',
  webhook: 'Webhook',
}

/** What a turn that records an outcome answers; `null`: there is nobody to record it for. */
export type Recorded = { readonly sends: boolean } | null

/** Records an outcome as a passive event of the message, once, with the postbacks it causes. */
export function outcomeTurn(
  { subject, seen }: Loaded,
  outcome: MessageOutcome,
  setting: OutcomeSetting,
): Turn<Recorded> {
  if (subject === null) return { answer: null }
  const { outgoing, event, params, removesToken, unsubscribes } = outcome
  const key = keyOf(outcome)
  if (subject.blocked || seen(key) !== undefined) return { answer: { sends: false } }
  const { appId, services, now } = setting
  const draft = new Draft(subject)
  const { deviceId } = outgoing
  const lane = deviceId !== null && Object.hasOwn(subject.devices, deviceId) ? deviceId : null
  recordMessageEvent(draft, outgoing.messageId, event, { at: now, deviceId: lane, services }, { params })
  if (removesToken) removeToken(draft, outgoing.part)
  if (unsubscribes !== undefined) unsubscribe(draft, outgoing.part, unsubscribes)
  const deliveries = sendingsOf(draft, { appId, services, now, deviceId: lane })
  const wakeAt = nextDeadline(draft.profile, services.rules)
  return {
    answer: { sends: deliveries.length > 0 },
    subject: { profile: draft.profile, wakeAt, entries: draft.entries },
    seen: [{ key, answer: '', at: now }],
    ...(deliveries.length > 0 && { deliveries }),
  }
}

function unsubscribe(draft: Draft, { channel }: OutgoingPart, from: number | 'all'): void {
  const profile = draft.edit()
  if (from === 'all')
    profile.unsubscribedChannels = [...new Set([...profile.unsubscribedChannels, UNSUBSCRIBE_CHANNELS[channel]])]
  else profile.unsubscribedCategories = [...new Set([...profile.unsubscribedCategories, from])]
}

/** Takes a token that nobody has any more from the devices that still carry it; a newer one stays. */
function removeToken(draft: Draft, part: OutgoingPart): void {
  for (const [id, device] of Object.entries(draft.profile.devices)) {
    const field = tokenField(device, part)
    if (field === null) continue
    const { [field]: _, ...rest } = device
    draft.devices()[id] = rest
  }
}

function tokenField(device: Device, part: OutgoingPart): string | null {
  switch (part.channel) {
    case 'fcm':
      return device['gcmRegistrationId'] === part.token ? 'gcmRegistrationId' : null
    case 'apns':
      return device['iosPushToken'] === part.token ? 'iosPushToken' : null
    case 'webPush':
      // As JSON, in the SDK's form or the browser's; slashes may be escaped in it.
      return endpointOf(device['webPushSubscription']) === part.subscription.endpoint ? 'webPushSubscription' : null
    default:
      return null
  }
}

function endpointOf(text: Device[string] | undefined): unknown {
  if (typeof text !== 'string') return null
  try {
    return (JSON.parse(text) as { readonly endpoint?: unknown } | null)?.endpoint
  } catch {
    return null
  }
}
