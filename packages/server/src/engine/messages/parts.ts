import type { Content } from '../../content/messages/content.ts'
import { JSON_TYPE } from '../../content/messages/content.ts'
import type { ContentByChannel, FilledByChannel, PushContent } from '../../content/messages/source.ts'
import type { TemplateValues } from '../../content/messages/template.ts'
import type { Json } from '../../content/source.ts'
import { EMAIL } from '../email.ts'
import type { Device, Profile } from '../profile.ts'
import type { OutgoingPart, WebPushSubscription } from './outgoing.ts'

/** One thing to be sent, and the device it goes to. */
export interface Addressed {
  readonly deviceId: string | null
  readonly part: OutgoingPart
}

/** What is known where a message is filled in, for one device or for none. */
export type ValuesFor = (deviceId: string | null) => TemplateValues

type SentChannel = 'email' | 'push' | 'webhook'

/** Everything to be sent of one message to one user; none if there is nowhere to send it to. */
export function partsOf(
  channel: SentChannel,
  content: Content,
  message: { readonly id: number; readonly category: number | undefined },
  profile: Profile,
  /** Push: this device; `null`: all of them. */
  deviceId: string | null,
  values: ValuesFor,
): readonly Addressed[] {
  switch (channel) {
    case 'email':
      return emailParts(content.render(values(deviceId)) as FilledByChannel['email'], message.category, profile)
    case 'webhook':
      return [{ deviceId: null, part: webhookPart(content.render(values(deviceId)) as ContentByChannel['webhook']) }]
    case 'push':
      return devicesOf(profile, deviceId).flatMap(([id, device]) => {
        const targets = targetsOf(device)
        if (targets.length === 0) return []
        const push = content.render(values(id)) as ContentByChannel['push']
        return targets.map((target) => ({ deviceId: id, part: pushPart(target, push, message.id) }))
      })
  }
}

function emailParts(
  { to, subject, html, text, track = true, links }: FilledByChannel['email'],
  category: number | undefined,
  { attributes }: Profile,
): readonly Addressed[] {
  const own = Object.keys(attributes).find((name) => name.toLowerCase() === 'email')
  const address = (to ?? (own === undefined ? '' : String(attributes[own]))).trim()
  if (!EMAIL.test(address)) return []
  const part = {
    channel: 'email',
    to: address,
    subject,
    html,
    ...(track && { links }),
    ...(text !== undefined && { text }),
    ...(category !== undefined && { categoryId: category }),
  } as const
  return [{ deviceId: null, part }]
}

function webhookPart({ url, method = 'POST', headers = {}, body }: ContentByChannel['webhook']): OutgoingPart {
  const hasType = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  const isBare = method === 'GET' || body === undefined
  return {
    channel: 'webhook',
    url,
    method,
    headers: { ...headers, ...(!hasType && !isBare && { 'content-type': JSON_TYPE }) },
    body: method === 'GET' ? null : text,
  }
}

function devicesOf({ devices }: Profile, deviceId: string | null): readonly (readonly [string, Device])[] {
  if (deviceId === null) return Object.entries(devices)
  return Object.hasOwn(devices, deviceId) ? [[deviceId, devices[deviceId]!]] : []
}

type Target =
  | { readonly type: 'web'; readonly subscription: WebPushSubscription }
  | { readonly type: 'android'; readonly token: string }
  | { readonly type: 'ios'; readonly token: string }

/** Where a device can be reached; its fields are as SDKs sent them (specification 7.6). */
function targetsOf({ webPushSubscription, gcmRegistrationId, iosPushToken }: Device): readonly Target[] {
  const subscription = typeof webPushSubscription === 'string' ? subscriptionOf(webPushSubscription) : null
  return [
    ...(subscription === null ? [] : [{ type: 'web', subscription } as const]),
    ...(isToken(gcmRegistrationId) ? [{ type: 'android', token: gcmRegistrationId } as const] : []),
    ...(isToken(iosPushToken) ? [{ type: 'ios', token: iosPushToken } as const] : []),
  ]
}

function isToken(value: Device[string] | undefined): value is string {
  return typeof value === 'string' && value !== ''
}

/** As the web SDK sends it, `{endpoint, key, auth}`, or as browsers write it themselves. `null`: neither. */
export function subscriptionOf(text: string): WebPushSubscription | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { endpoint, key, auth, keys = {} } = value as Record<string, unknown>
  const own = keys as Record<string, unknown>
  const [p256dh, secret] = [key ?? own['p256dh'], auth ?? own['auth']]
  if (typeof endpoint !== 'string' || typeof p256dh !== 'string' || typeof secret !== 'string') return null
  return { endpoint, keys: { p256dh: base64Url(p256dh), auth: base64Url(secret) } }
}

function base64Url(text: string): string {
  return text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** What opening a message does: an address means going there. */
export function actionOf(open: NonNullable<PushContent['open']>): Readonly<Record<string, Json>> {
  return typeof open === 'string' ? { __name__: 'Open URL', URL: open } : open
}

function pushPart(target: Target, push: PushContent, messageId: number): OutgoingPart {
  switch (target.type) {
    case 'web':
      return { channel: 'webPush', subscription: target.subscription, payload: webPayload(push, messageId) }
    case 'android':
      return fcmPart(target.token, push, messageId)
    case 'ios':
      return { channel: 'apns', token: target.token, payload: apnsPayload(push, messageId) }
  }
}

/** What the web SDK's service worker shows. @source observed: it asks for `title` and `tag`, and takes the rest as options */
function webPayload({ title, text, image, icon, open, data }: PushContent, messageId: number): string {
  return JSON.stringify({
    title: title ?? text,
    tag: String(messageId),
    ...(title !== undefined && { body: text }),
    ...(icon !== undefined && { icon }),
    ...(image !== undefined && { image }),
    data: { ...data, messageId: String(messageId), ...(open !== undefined && { openAction: actionOf(open) }) },
  })
}

/** @source assumed: the names of the Android SDK, which shows what it finds under them */
function fcmPart(token: string, push: PushContent, messageId: number): OutgoingPart {
  const { title, text, image, open, data = {}, androidChannelId, android = 'app' } = push
  const own = {
    ...Object.fromEntries(Object.entries(data).map(([name, value]) => [name, String(value)])),
    _lpm: String(messageId),
    lp_message: text,
    ...(title !== undefined && { title }),
    ...(image !== undefined && { lp_imageUrl: image }),
    ...(open !== undefined && { _lpx: JSON.stringify(actionOf(open)) }),
    ...(androidChannelId !== undefined && { lp_channel: androidChannelId }),
  }
  const notification = { ...(title !== undefined && { title }), body: text, ...(image !== undefined && { image }) }
  return {
    channel: 'fcm',
    token,
    data: own,
    ...(android === 'system' && { notification, ...(androidChannelId !== undefined && { androidChannelId }) }),
  }
}

/** @source assumed: `_lpm` and `_lpx`, the names of the iOS SDK */
function apnsPayload({ title, text, open, data, sound, badge }: PushContent, messageId: number) {
  return {
    ...data,
    aps: {
      alert: { ...(title !== undefined && { title }), body: text },
      sound: sound ?? 'default',
      ...(badge !== undefined && { badge }),
    },
    _lpm: messageId,
    ...(open !== undefined && { _lpx: actionOf(open) }),
  }
}
