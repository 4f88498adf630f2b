import type { EpochMs } from '@damson/core'
import type { Pid } from './backend.ts'

/**
 * What a move asks of the embedded store while its owner goes on using it. From `begin` on the store notes, in its own
 * tables, which profiles change; notes are dropped when those after them are asked for.
 */
export type MoveCall =
  /** Notes changes from now on, under this name if nothing was noted before: `Begun`. */
  | { readonly ask: 'begin'; readonly id: string }
  /** The profiles after a pid, in their order, `limit` or fewer: `States`; an empty list at the end. */
  | { readonly ask: 'page'; readonly after: Pid; readonly limit: number }
  /** Profiles by pid, as they are now: `States`, for as many of the first as fit into an answer. */
  | { readonly ask: 'states'; readonly wanted: readonly Wanted[] }
  /** What was noted after `after`, `limit` or fewer: `Changes`. Forgets what was noted before. */
  | { readonly ask: 'changes'; readonly after: number; readonly limit: number }
  /** What belongs to no profile, and how much there is of everything: `Rest`. */
  | { readonly ask: 'rest' }
  /** From now on nobody else reads or writes: `Held`. */
  | { readonly ask: 'hold' }
  /** Ends that, unless everything has moved: `Held`. */
  | { readonly ask: 'release' }
  /** Everything is somewhere else; nobody opens the store again. Only while it is held: `Held`. */
  | { readonly ask: 'finish'; readonly to: string; readonly at: EpochMs }
  /** Forgets the move, and that everything has moved: `Held`. */
  | { readonly ask: 'undo' }

/** A profile of which a copy has something already: whose it was there, and up to which entry. */
export interface Wanted {
  readonly pid: Pid
  /** `null`: all of it is wanted. */
  readonly known: { readonly appId: string; readonly userId: string; readonly entry: number } | null
  /** Message ids that were noted; the others are known. */
  readonly seen: readonly (readonly [day: number, digest: string])[]
}

export interface Begun {
  /** Under which name changes are noted; `null` when everything has moved. */
  readonly id: string | null
  readonly salt: string
  readonly users: number
  /** The last change noted so far. */
  readonly seq: number
  readonly moved: Moved | null
}

/** Where everything went. */
export interface Moved {
  readonly id: string
  readonly to: string
  readonly at: EpochMs
}

export interface ProfileState {
  readonly pid: Pid
  readonly appId: string
  readonly userId: string
  readonly doc: string | null
  readonly wakeAt: EpochMs | null
  readonly devices: readonly string[]
  /** All that belongs to it is here; otherwise entries and message ids are only those that are new. */
  readonly isWhole: boolean
  /** In the order in which they were written; `data` is a JSON list. */
  readonly entries: readonly (readonly [id: number, data: string])[]
  readonly seen: readonly SeenLine[]
  readonly deliveries: readonly DeliveryLine[]
}

export interface SeenLine {
  readonly day: number
  readonly digest: string
  readonly at: EpochMs
  readonly answer: string
}

export interface DeliveryLine {
  readonly id: string
  readonly kind: string
  readonly due_at: EpochMs
  readonly failed_at: EpochMs | null
  readonly attempt: number
  readonly note: string | null
  readonly data: string
}

export interface States {
  /** `null`: there is no such profile any more. */
  readonly states: readonly (ProfileState | null)[]
  /** Message ids answered before are not kept, here and there. */
  readonly horizon: EpochMs
}

export interface Changes {
  readonly changes: readonly Change[]
  /** The last of these, or what was asked for. */
  readonly seq: number
  readonly isEnd: boolean
}

export interface Change {
  readonly pid: Pid
  /** 1: more than something new at the end of its history. */
  readonly whole: 0 | 1
  /** A message id that is new. */
  readonly day: number | null
  readonly digest: string | null
}

/** What is counted here and there, by the names of the tables. */
export const COUNTED = ['apps', 'documents', 'profiles', 'devices', 'entries', 'seen', 'deliveries'] as const
export type Counts = Readonly<Record<(typeof COUNTED)[number], number>>

export interface Rest {
  readonly apps: readonly { readonly app_id: string; readonly doc: string }[]
  readonly documents: readonly {
    readonly app_id: string
    readonly kind: string
    readonly id: string
    readonly doc: string
  }[]
  readonly revisions: readonly { readonly app_id: string; readonly kind: string; readonly revision: number }[]
  readonly horizon: EpochMs
  readonly counts: Counts
}

/** Whether the store is held, or given up for good. */
export interface Held {
  readonly isHeld: boolean
}
