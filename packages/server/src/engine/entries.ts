import type { EpochMs } from '@damson/core'
import type { EndReason } from '@damson/core/session'
import type { AttributeValue, Device, Place } from './profile.ts'

/** What the session knew of its user when it ended; raw exports carry it (specification 8.10). */
export interface Snapshot {
  readonly userId: string
  readonly attributes: Readonly<Record<string, AttributeValue>>
  readonly device: Device | null
  readonly place: Place
  readonly trafficSource: Readonly<Record<string, string>> | null
  readonly isDeveloper: boolean
  /** The A/B tests the user took part in. */
  readonly experiments?: readonly Experiment[]
}

/** A part in an A/B test, as raw exports tell it. */
export interface Experiment {
  readonly id: number
  readonly variantId: number
  /** Met in this session for the first time. What is exported is read from `variantEntered`; here it was imported. */
  readonly impressed?: boolean
}

/** The counters of the profile when a session began. */
export interface Prior {
  readonly sessions: number
  readonly events: number
  readonly states: number
  readonly timeInAppMs: number
}

/** Parameters of an event or a state: flat (specification 7.1). */
export type Params = Readonly<Record<string, string | number | boolean>>

/**
 * One line of a profile's append-only history. `record` is the id of the session or offline record it belongs to.
 * Raw exports and reports are made of these alone.
 */
export type Entry =
  | { readonly kind: 'profileCreated'; readonly at: EpochMs }
  | {
      readonly kind: 'sessionStarted'
      readonly at: EpochMs
      readonly record: string
      readonly deviceId: string | null
      readonly counted: boolean
      readonly client?: string
      readonly sdkVersion?: string
      readonly prior: Prior
    }
  | { readonly kind: 'sessionCounted'; readonly at: EpochMs; readonly record: string; readonly prior: Prior }
  | { readonly kind: 'sessionPaused'; readonly at: EpochMs; readonly record: string }
  | { readonly kind: 'sessionResumed'; readonly at: EpochMs; readonly record: string }
  | {
      readonly kind: 'sessionEnded'
      readonly at: EpochMs
      readonly record: string
      readonly startedAt: EpochMs
      readonly durationMs: number
      readonly reason: EndReason
      readonly snapshot: Snapshot
    }
  /** A session that had timed out was open after all: what `sessionEnded` said of it no longer holds. */
  | { readonly kind: 'sessionReopened'; readonly at: EpochMs; readonly record: string }
  | { readonly kind: 'sessionExtended'; readonly at: EpochMs; readonly record: string; readonly durationMs: number }
  | { readonly kind: 'sessionDiscarded'; readonly at: EpochMs; readonly record: string }
  | {
      readonly kind: 'offlineOpened'
      readonly at: EpochMs
      readonly record: string
      readonly deviceId: string | null
      readonly client?: string
      readonly sdkVersion?: string
      readonly prior?: Prior
      readonly snapshot?: Snapshot
    }
  | {
      readonly kind: 'stateEntered'
      readonly at: EpochMs
      readonly record: string
      readonly stateId: string
      readonly name: string
      readonly info?: string
      readonly params?: Params
      /** As of an event. */
      readonly firstAfterMs?: number
    }
  | {
      readonly kind: 'stateLeft'
      readonly at: EpochMs
      readonly record: string
      readonly stateId: string
      readonly durationMs: number
    }
  | {
      readonly kind: 'event'
      readonly at: EpochMs
      readonly record: string
      readonly stateId?: string
      readonly name: string
      readonly value?: number
      readonly info?: string
      readonly params?: Params
      /** First occurrence for this user: milliseconds since the profile was created (unknowns 76). */
      readonly firstAfterMs?: number
      /** What it was called where it was imported from. Without one, its id is derived from its place in the record. */
      readonly eventId?: string
    }
  | { readonly kind: 'attributes'; readonly at: EpochMs; readonly record: string | null }
  | {
      readonly kind: 'trafficSource'
      readonly at: EpochMs
      readonly record: string | null
      readonly source: Readonly<Record<string, string>>
    }
  /** The user sees a variant of an A/B test for the first time: an impression (specification 7.7). */
  | {
      readonly kind: 'variantEntered'
      readonly at: EpochMs
      readonly record: string | null
      readonly testId: number
      readonly variantId: number
    }
