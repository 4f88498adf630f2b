import type { EpochMs } from '@damson/core'
import type { Json } from '../source.ts'

/** How a message reaches people. */
export const CHANNELS = ['inApp', 'push', 'email', 'webhook', 'inbox'] as const
export type Channel = (typeof CHANNELS)[number]

export const MESSAGE_STATES = ['draft', 'active', 'finished'] as const

/** What sets a message off. One of the four; what stands beside it narrows it down. */
export type TriggerSource =
  | { readonly session: 'start' | 'resume' }
  | { readonly event: string; readonly parameter?: string | undefined; readonly is?: Scalar | undefined }
  | { readonly state: string; readonly parameter?: string | undefined; readonly is?: Scalar | undefined }
  | { readonly attribute: string; readonly from?: Scalar | undefined; readonly to?: Scalar | undefined }

export type Scalar = string | number | boolean

/** So often within so many of a unit; a bare number means: within one. */
export type Rate = number | { readonly times: number; readonly in: number }

export const RATE_UNITS = ['second', 'minute', 'hour', 'day', 'week', 'month'] as const
export type RateUnit = (typeof RATE_UNITS)[number]

/** How often one user gets the message; all of them have to hold. */
export interface LimitsSource extends Readonly<Partial<Record<RateUnit, Rate | undefined>>> {
  /** In their life. */
  readonly user?: number | undefined
  readonly session?: number | undefined
  /** Only the nth time it is triggered. */
  readonly nth?: number | undefined
  /** Each nth time it is triggered. */
  readonly everyNth?: number | undefined
}

/** Values of the template in the app; an action in it is an object with `__name__` (specification 8.1). */
export type InAppContent = Readonly<Record<string, Json>>

export interface EmailContent {
  /** Without it, the attribute `email` of the user. */
  readonly to?: string | undefined
  readonly subject: string
  readonly html: string
  readonly text?: string | undefined
  /** `false`: nobody is told whether it is opened, and its links lead where they say. */
  readonly track?: boolean | undefined
}

/** A mail as it is for one user. */
export interface FilledEmail extends EmailContent {
  /** Where its tracked links lead, in their order; `html` has their places. */
  readonly links: readonly string[]
}

export interface PushContent {
  readonly title?: string | undefined
  readonly text: string
  readonly image?: string | undefined
  readonly icon?: string | undefined
  /** What opening it does: an address, or an action of the app with its `__name__`. */
  readonly open?: string | Readonly<Record<string, Json>> | undefined
  readonly data?: Readonly<Record<string, Scalar>> | undefined
  readonly androidChannelId?: string | undefined
  /** On Android: `app` hands it to the app, whose SDK shows it; `system` has the system show it. */
  readonly android?: 'app' | 'system' | undefined
  readonly sound?: string | undefined
  readonly badge?: number | undefined
}

export interface WebhookContent {
  /** Placeholders may stand after the host only. */
  readonly url: string
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A text, or a value that is written as JSON, with templates in its texts. */
  readonly body?: Json | undefined
}

export interface InboxContent {
  readonly title: string
  readonly subtitle?: string | undefined
  readonly image?: string | undefined
  readonly data?: Readonly<Record<string, Json>> | undefined
  readonly open?: string | Readonly<Record<string, Json>> | undefined
  /** How long it stays in the inbox. */
  readonly days?: number | undefined
}

export interface ContentByChannel {
  readonly inApp: InAppContent
  readonly push: PushContent
  readonly email: EmailContent
  readonly webhook: WebhookContent
  readonly inbox: InboxContent
}

export type FilledByChannel = Omit<ContentByChannel, 'email'> & { readonly email: FilledEmail }

/** A message as people write it down. */
export interface MessageSource {
  readonly name: string
  readonly state: (typeof MESSAGE_STATES)[number]
  readonly channel: Channel
  /** Of an in-app message: what shows it in the app, such as `Center Popup`. */
  readonly template?: string | undefined
  readonly audience?: string | undefined
  readonly where?: string | undefined
  /** Whoever was in its audience once is meant for good. */
  readonly sticky?: boolean | undefined
  /** Any of them; without any, it is sent by `sendMessage` and campaigns alone. */
  readonly when?: readonly TriggerSource[] | undefined
  /** What, happening at the same moment, keeps it from being set off. */
  readonly unless?: readonly TriggerSource[] | undefined
  readonly limits?: LimitsSource | undefined
  /** Lower ones first. Without one, 1000. */
  readonly priority?: number | undefined
  /** How many percent of its users never get it, to compare with. */
  readonly holdback?: number | undefined
  /** Whoever unsubscribed from it does not get the message. */
  readonly category?: number | undefined
  /** ISO 8601; nobody gets it before, nobody from `end` on. */
  readonly start?: string | undefined
  readonly end?: string | undefined
  /** What `{{ value['name'] }}` is unless `sendMessage` says otherwise. */
  readonly values?: Readonly<Record<string, Json>> | undefined
  /** By channel: checked and compiled as `ContentByChannel` says. */
  readonly content: Readonly<Record<string, unknown>>
}

/** A message as it is kept. */
export interface KeptMessage extends MessageSource {
  readonly createdAt: EpochMs
  readonly updatedAt: EpochMs
  readonly finishedAt?: EpochMs
}

/** What users unsubscribe from, by its id. */
export interface CategorySource {
  readonly name: string
  readonly description?: string | undefined
}

/** How many messages of one channel a user gets in all; by channel. */
export interface CapSource {
  readonly session?: number | undefined
  readonly day?: number | undefined
  readonly week?: number | undefined
}
