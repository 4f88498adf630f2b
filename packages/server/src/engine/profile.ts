import type { EpochMs } from '@damson/core'
import type { Session } from '@damson/core/session'
import type { Json } from '../content/source.ts'

export type AttributeScalar = string | number | boolean
export type AttributeValue = AttributeScalar | readonly AttributeScalar[]

/** How often something happened to one user, and when (specification 4.5). `value` is absent until one was tracked. */
export interface Tally {
  readonly count: number
  readonly value?: number
  readonly firstAt: EpochMs
  readonly lastAt: EpochMs
}

/** A device's own fields, as they came (specification 7.6); `deviceId` is the key it is kept under. */
export type Device = Readonly<Record<string, string | number | boolean>>

/** Where the user is and speaks from (specification 7.5). */
export interface Place {
  readonly locale?: string
  readonly country?: string
  readonly region?: string
  readonly city?: string
  readonly location?: string
  readonly locationAccuracyType?: string
  readonly timezone?: string
  readonly timezoneOffsetSeconds?: number
}

/** Which variant of an A/B test a user was shown first, and when (specification 7.7). */
export interface Assignment {
  readonly variantId: number
  readonly at: EpochMs
}

/** A message in the user's inbox (specification 8.12). */
export interface InboxItem {
  readonly deliveredAt: EpochMs
  /** From then on nobody is shown it; `null`: it stays. */
  readonly expiresAt: EpochMs | null
  readonly isRead: boolean
  /** What its template shows: `Title`, `Subtitle`, `Image`, `Data`, `Open action`. */
  readonly vars: Readonly<Record<string, Json>>
  readonly priority?: number
  readonly campaignId?: number
}

/** How often a user got a message, or messages of a channel, as far as its limits have to know. */
export interface Occurrences {
  readonly count: number
  /** The last ones, oldest first; as many as its limits ask for. */
  readonly recent?: readonly EpochMs[]
  /** The session or offline record it happened in last, and how often there. */
  readonly session?: string
  readonly inSession?: number
  /** How often it was triggered, whatever became of it. */
  readonly triggers?: number
}

/** All we know of one user. Plain data: what is stored is exactly its JSON. */
export interface Profile {
  /** Unique within the app. An anonymous profile is kept under its device's id (specification 4.2). */
  readonly userId: string
  readonly createdAt: EpochMs
  /** Never active in a session: `null` (F14). */
  readonly lastActiveAt: EpochMs | null
  readonly totalSessions: number
  readonly timeInAppMs: number
  /** How many events and states there were in all: the `prior*` counters of the next session. */
  readonly eventCount: number
  readonly stateCount: number
  readonly attributes: Readonly<Record<string, AttributeValue>>
  readonly events: Readonly<Record<string, Tally>>
  readonly states: Readonly<Record<string, Tally>>
  readonly devices: Readonly<Record<string, Device>>
  /** One lane per device; `''` is the lane of actions without a device (specification 6.2). */
  readonly sessions: Readonly<Record<string, Session>>
  readonly place: Place
  readonly unsubscribedCategories: readonly number[]
  readonly unsubscribedChannels: readonly string[]
  readonly trafficSource: Readonly<Record<string, string>> | null
  /** By the id of the test. */
  readonly variants: Readonly<Record<string, Assignment>>
  /** By its id, `<messageId>##<n>`, in the order of delivery. */
  readonly inbox: Readonly<Record<string, InboxItem>>
  /** How many were ever delivered: no id is given twice, not even when an item was deleted. */
  readonly inboxCount: number
  /** What limits have to know: by the id of the message, and by the channel for caps. Absent: nothing yet. */
  readonly messages?: Readonly<Record<string, Occurrences>>
  /** By the id of a sticky message: since when the user is meant by it, whatever becomes of them. Absent: by none. */
  readonly targeted?: Readonly<Record<string, EpochMs>>
  /** By the id of a campaign: the run in which the user had it last, as the instant that run is of. */
  readonly campaigns?: Readonly<Record<string, EpochMs>>
  /** What a later version of Damson has written and this one does not know: written down again as it came. */
  readonly unknown?: Readonly<Record<string, unknown>>
  readonly isDeveloper: boolean
  /** Sent a time that had to be rewritten (specification 5.3.5). */
  readonly anomalous: boolean
  readonly blocked: boolean
}
