import type { EpochMs } from '../clock.ts'
import type { DropReason, QueuedAction } from './action.ts'
import type { Mirror } from './mirror.ts'
import type { Settings } from './options.ts'

/** The actions of one profile, in order. At most one request at a time carries any of them. */
export interface Lane {
  /** The profile's, and that of the user it signs in as: both are one to the server as soon as that has arrived. */
  readonly keys: string[]
  actions: QueuedAction[]
  /** Those before `head` are taken; shifting an array of 100,000 for each of them would be quadratic. */
  head: number
  /** Failures in a row. */
  attempts: number
  /** 0 when it need not wait. */
  notBefore: EpochMs
}

/** What goes in one request. */
export type Batch = readonly { readonly lane: Lane; actions: readonly QueuedAction[] }[]

/** What a flush came to, of everything that was pending when it was asked for. */
export interface FlushReport {
  readonly sent: number
  readonly dropped: number
  /** Neither: waiting for a retry, or for consent. */
  readonly pending: number
}

/** A flush somebody awaits. They may overlap: each counts for itself. */
export interface Waiter {
  /** The last action it covers. */
  readonly upTo: number
  readonly deadline: EpochMs
  readonly resolve: (report: FlushReport) => void
  readonly report: { -readonly [Part in keyof FlushReport]: number }
}

/** A request under way. */
export interface Flight {
  readonly batch: Batch
  /** Gives it up. */
  readonly abort: AbortController
  readonly done: Promise<void>
}

/** Somebody who waits for room, or for the outbox to open. */
export interface Guest {
  readonly action: QueuedAction
  readonly isUrgent: boolean | undefined
  readonly leave: (done: Promise<void>) => void
}

/**
 * All that a client knows and holds. What it does are functions of it, each in the file of what it is about: a bundle has no
 * use for their names, as it would for those of methods.
 */
export interface Core extends Settings, Mirror {
  /** Told when the first pending action comes, and when the last goes. */
  readonly onBusy: (isBusy: boolean) => void
  /** Told when one has left the queue. */
  readonly onLeft: () => void

  /** What waits, by profile; those that may go, in order; those that may not yet. What is in flight is in neither. */
  lanes: Map<string, Lane>
  ready: Set<Lane>
  readonly delayed: Set<Lane>
  /** What is pending: an action in flight is, until its own success. */
  count: number
  bytes: number
  /** Of those, not in flight. */
  waiting: number

  /** Rounds that failed in a row; failures of one round count once, however many requests were under way. */
  failures: number
  /** Nothing goes before. */
  pausedUntil: EpochMs
  /**
   * Requests under way: a list, as they are few. What went through a `Set` is kept by the tables that it had before, until the next
   * major collection; here that would be everything that is ever sent.
   */
  readonly flights: Flight[]
  /** The last place given in the order of acceptance. */
  seq: number
  uuid: string
  /** When everything waiting is due, and not only what makes a full batch. */
  dueAt: EpochMs
  isScheduled: boolean
  cancelAlarm: () => void
  /** Nothing is accepted any more; nothing is sent any more. */
  isClosed: boolean
  isShut: boolean

  readonly counts: { accepted: number; sent: number; skipped: number; requests: number; retried: number }
  readonly dropped: Partial<Record<DropReason, number>>
  readonly waiters: Set<Waiter>

  /** In order: whoever comes later waits behind them. */
  readonly line: Set<Guest>
  /** Resolves when what an earlier process left behind is queued; nothing once it is. Never rejects. */
  opening: Promise<void> | undefined
  /** Waiting for consent. */
  readonly held: Set<QueuedAction>
}
