/** The kind of the deliveries that carry messages to people; postbacks and hooks are other kinds. */
export const MESSAGE_DELIVERY = 'message'

/**
 * What a decision hands to the outbox, rendered and ready: the `data`, as JSON, of a delivery of kind `message`. It is
 * committed in the same turn as its cause. Who sends it (the SMTP server, keys of push services) is the server's setting.
 */
export interface Outgoing {
  readonly messageId: number
  readonly userId: string
  /** The device whose token it goes to; `null`: to the person (e-mail, webhooks). */
  readonly deviceId: string | null
  readonly part: OutgoingPart
}

export type OutgoingPart = EmailPart | WebPushPart | FcmPart | ApnsPart | WebhookPart

/** Names as senders are set up by. */
export type OutgoingChannel = OutgoingPart['channel']

export interface EmailPart {
  readonly channel: 'email'
  readonly to: string
  readonly subject: string
  readonly html: string
  /** Where its links lead that are tracked; `html` has their places. Without it, neither they are nor the opening is. */
  readonly links?: readonly string[]
  /** For those who read no HTML; without it the mail has its HTML alone. */
  readonly text?: string
  /** The category that "unsubscribe" leaves; without it, it leaves the whole channel. */
  readonly categoryId?: number
}

/** As browsers hand it over (`PushSubscription.toJSON()`); the keys are base64url. */
export interface WebPushSubscription {
  readonly endpoint: string
  readonly keys: { readonly p256dh: string; readonly auth: string }
}

export interface WebPushPart {
  readonly channel: 'webPush'
  readonly subscription: WebPushSubscription
  /** What the service worker reads, as text; encrypted for the browser when it is sent. */
  readonly payload: string
}

export interface FcmPart {
  readonly channel: 'fcm'
  readonly token: string
  readonly notification?: { readonly title?: string; readonly body?: string; readonly image?: string }
  /** Texts only: FCM takes nothing else. */
  readonly data: Readonly<Record<string, string>>
  /** `android.notification.channel_id`: Android 8 and later show nothing without one. */
  readonly androidChannelId?: string
}

export interface ApnsPart {
  readonly channel: 'apns'
  readonly token: string
  /** The whole JSON, with its `aps`. */
  readonly payload: Readonly<Record<string, unknown>>
  /** `apns-push-type`; default `alert`. */
  readonly pushType?: 'alert' | 'background'
}

export interface WebhookPart {
  readonly channel: 'webhook'
  readonly url: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly headers: Readonly<Record<string, string>>
  /** `null` with `GET`. */
  readonly body: string | null
}
