import type { EpochMs } from '@damson/core'
import type { Params, Prior, Snapshot } from './entries.ts'

/** One event of a record, as raw exports have it. */
export interface EventLine {
  readonly eventId: string
  readonly name: string
  readonly at: EpochMs
  readonly value?: number
  readonly info?: string
  readonly params?: Params
  readonly firstAfterMs?: number
}

/** One stay in a state with the events in it; without a name, the events that happened in none. */
export interface StateLine {
  readonly stateId: string
  readonly name?: string
  readonly at?: EpochMs
  readonly durationMs?: number
  readonly info?: string
  readonly params?: Params
  readonly firstAfterMs?: number
  readonly events: readonly EventLine[]
}

/** A session, or what happened outside of sessions (`isSession: false`), put together from the history. */
export interface SessionRecord {
  readonly id: string
  readonly isSession: boolean
  readonly deviceId: string | null
  readonly startedAt: EpochMs
  readonly durationMs: number
  /** From then on nothing is added but what arrives late; `null` while it goes on. */
  readonly completeAt: EpochMs | null
  readonly client?: string
  readonly sdkVersion?: string
  readonly prior?: Prior
  readonly snapshot?: Snapshot
  readonly states: readonly StateLine[]
}
