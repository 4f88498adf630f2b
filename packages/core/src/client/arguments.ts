import type { EpochMs } from '../clock.ts'
import type { Disposition } from '../session/session.ts'
import type { DropReason, Params, Scalar } from './action.ts'

/** What any action may say about itself. */
export interface ActionOptions {
  /** When it happened, if not now. */
  readonly time?: EpochMs | Date
  /** Sends at once, with all that waits. */
  readonly urgent?: boolean
}

/** What `ensureSession` may be told. */
export interface PresenceOptions extends Pick<ActionOptions, 'urgent'> {
  /**
   * The user sees something, so a paused session goes on. Said again after ten seconds even of a session that is open as far as
   * we know: another process may have been told of a pause.
   */
  readonly resume?: boolean
}

export interface TrackOptions extends ActionOptions {
  readonly value?: number
  /** ISO 4217, of `value`. */
  readonly currencyCode?: string
  readonly info?: string
  readonly messageId?: number | string
  /** `passive` happens without the user and opens no session (specification 6.5). */
  readonly disposition?: Disposition
}

export interface AdvanceOptions extends ActionOptions {
  readonly info?: string
}

export type AttributeValue = Scalar | null | readonly Scalar[]
export type Attributes = Readonly<Record<string, AttributeValue>>

/** Where and on what the user is. Values may be `(detect)` (specification 7.5). */
export interface Surroundings {
  readonly locale?: string
  readonly country?: string
  readonly region?: string
  readonly city?: string
  readonly location?: string
  readonly locationAccuracyType?: string
  readonly timezone?: string
  readonly timezoneOffsetSeconds?: number
}

export interface DeviceAttributes {
  readonly appVersion?: string
  readonly systemName?: string
  readonly systemVersion?: string
  readonly browserName?: string
  readonly browserVersion?: string
  readonly deviceName?: string
  readonly deviceModel?: string
  readonly iosPushToken?: string
  readonly gcmRegistrationId?: string
  readonly webPushSubscription?: string
}

export interface StartArguments extends Surroundings, DeviceAttributes {
  readonly userAttributes?: Attributes
  /** Not counted until `resumeSession` (F5). */
  readonly background?: boolean
  readonly limitTracking?: boolean
}

export interface UserAttributeArguments extends Surroundings {
  readonly userAttributeValuesToAdd?: Readonly<Record<string, Scalar | readonly Scalar[]>>
  readonly userAttributeValuesToRemove?: Readonly<Record<string, Scalar | readonly Scalar[]>>
  readonly userAttributeValuesToIncrement?: Readonly<Record<string, number>>
  readonly unsubscribeCategoriesToAdd?: readonly (number | string)[]
  readonly unsubscribeCategoriesToRemove?: readonly (number | string)[]
  readonly unsubscribeChannelsToAdd?: readonly string[]
  readonly unsubscribeChannelsToRemove?: readonly string[]
  /** Registers, signs in or switches the user (specification 4.3). */
  readonly newUserId?: string
}

export interface TrafficSource {
  readonly publisherId?: string
  readonly publisherName?: string
  readonly publisherSubPublisher?: string
  readonly publisherSubSite?: string
  readonly publisherSubCampaign?: string
  readonly publisherSubAdGroup?: string
  readonly publisherSubAd?: string
}

export interface GetVarsArguments {
  readonly includeDefaults?: boolean
  readonly includeVariantDebugInfo?: boolean
}

export interface SendMessageArguments {
  readonly values?: Params
  readonly force?: boolean
}

export interface DeleteUserArguments {
  /** Also erases sessions and analytics. */
  readonly fullErasure?: boolean
}

/** The answer to an action that asks for something. Not being delivered is a value, not an exception. */
export type Answer<Fields> =
  | ({ readonly delivered: true; readonly warning: string | null } & Partial<Fields>)
  | { readonly delivered: false; readonly reason: DropReason; readonly detail: string }

export interface VarsFields {
  readonly vars: Readonly<Record<string, unknown>>
  readonly variants: readonly { readonly id: number }[]
  readonly messages: Readonly<Record<string, unknown>>
}

export interface NewsfeedFields {
  readonly newsfeedMessages: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

export interface SendMessageFields {
  readonly result: string
  readonly messagesSent: number
}
