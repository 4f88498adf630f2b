import type { EpochMs } from '@damson/core'
import type { App } from '../engine/app.ts'
import type { Entry } from '../engine/entries.ts'
import type { Profile } from '../engine/profile.ts'
import type { Deliveries, NewDelivery } from './deliveries.ts'
import type { Documents } from './documents.ts'

export type { DocumentChange, Documents, DocumentSet } from './documents.ts'
export type { NewDelivery } from './deliveries.ts'
export type { Files } from './files.ts'

/**
 * Which profile an action concerns (specification 4.2). With a `userId` other than the `deviceId`: that user. Otherwise
 * the device's current user; a device nobody knows has the anonymous profile that is kept under the device's id.
 */
export interface ProfileRef {
  readonly appId: string
  readonly userId: string | null
  readonly deviceId: string | null
  /** A second profile that the same turn may read and change: the one `newUserId` names. */
  readonly otherUserId?: string
  /** Whether the turn asks `Loaded.seen`; without it the store need not have the answers at hand. */
  readonly needsSeen: boolean
  /** With `needsSeen`: the only keys it will ask for, if that is known before; a store then need not read the others. */
  readonly seenKeys?: readonly string[]
}

export interface Loaded {
  readonly subject: Profile | null
  /** The profile of `otherUserId`; `null` when unknown, not asked for, or the subject itself. */
  readonly other: Profile | null
  /** The user the device belonged to before this turn; `null` when nobody knows the device. */
  readonly deviceUserId: string | null
  /**
   * What was answered to this message id before, if it was within the last 24 hours: by the subject, by a profile that
   * was merged into it, or by one that was since erased; of the last, only that it was: `''`.
   */
  seen(key: string): string | undefined
}

/** What a turn makes of one of its two profiles. */
export interface Change {
  /**
   * The new value; `null` removes the profile and its devices. A changed `userId` renames it, its history stays with it.
   * A turn may only use user ids that its ref names. History that is kept without a profile belongs to its user id.
   */
  readonly profile: Profile | null
  /** When the sweeper should look at it: the earliest deadline of its sessions. */
  readonly wakeAt: EpochMs | null
  /** Appended to its history, in order. */
  readonly entries?: readonly Entry[]
  /**
   * What becomes of the history written so far. `keep` (default); `move` gives it, with the message ids seen, to the
   * other profile of the turn; `erase` leaves no byte of it, only salted digests of the message ids, for 24 hours.
   */
  readonly history?: 'keep' | 'move' | 'erase'
}

/** All that one decision writes. It is committed whole or not at all, before `answer` is given out. */
export interface Turn<T> {
  readonly answer: T
  readonly subject?: Change
  readonly other?: Change
  /** Which profile each of these devices belongs to from now on. */
  readonly devices?: Readonly<Record<string, 'subject' | 'other'>>
  /** Message ids answered by this turn, with what was answered; kept 24 hours with the subject, if there is one. */
  readonly seen?: readonly { readonly key: string; readonly answer: string; readonly at: EpochMs }[]
  /** To be sent out because of it. They belong to the subject, which must be there after the turn, and are erased with it. */
  readonly deliveries?: readonly NewDelivery[]
  /** The same, of the other profile. */
  readonly otherDeliveries?: readonly NewDelivery[]
}

export interface EntryQuery {
  readonly appId: string
  /** Only this user's history. */
  readonly userId?: string
}

/** Somebody with a history. */
export interface StoredOwner {
  readonly userId: string
  /** `null`: it was removed and its history kept. */
  readonly profile: Profile | null
}

/** A line of history with whom it belongs to. Lines of one profile come in the order they were written. */
export interface StoredEntry {
  readonly userId: string
  readonly entry: Entry
}

/**
 * Where everything is kept. Cut by what must be atomic: one profile, its history, its message ids, together.
 * Every implementation passes `storeConformance`.
 */
export interface Store extends Deliveries, Documents {
  /** All apps, in the order they were saved first. */
  apps(): Promise<readonly App[]>
  /** Creates or replaces the app with this `appId`. Durable when it resolves. */
  saveApp(app: App): Promise<void>

  /**
   * Alone with one profile: `decide` sees what every earlier turn made of it and runs synchronously; what it returns is
   * committed as a whole. Resolves with `answer` only when it is durable, and so is everything `decide` saw. A turn
   * that writes nothing is a read, and waits for what it read. `decide` may run again if the commit has to be retried.
   * @throws {ProfileBusyError} the profile could not be had within `lockWaitMs`; nothing was written
   * @throws {StoreUnavailableError} the commit failed; nothing of the turn is kept
   */
  transact<T>(ref: ProfileRef, decide: (loaded: Loaded) => Turn<T>): Promise<T>

  /** Profiles whose `wakeAt` has come, earliest first. */
  overdue(now: EpochMs, limit: number): Promise<readonly ProfileRef[]>
  /** Every profile of an app, in no particular order. Sees what was durable when the iteration reached it. */
  profiles(appId: string): AsyncIterable<Profile>
  /**
   * Everybody who has a profile or a history that was kept, in an order of the store's own that stays the same, from the one
   * after `after` on.
   */
  owners(appId: string, after: string | null): AsyncIterable<StoredOwner>
  entries(query: EntryQuery): AsyncIterable<StoredEntry>
  /** Drops message ids older than 24 hours, and deliveries that failed more than `FAILED_DELIVERY_DAYS` ago. */
  forget(now: EpochMs): Promise<void>
  /** Other processes change it, too: what is remembered of it has to be looked at again. */
  readonly isShared?: boolean
  /** Whether it could take a turn now, as far as it knows: what `/readyz` says. Absent: always. */
  isReady?(): boolean
  /** Commits what was accepted, then lets go of files and threads. Later calls fail. */
  close(): Promise<void>
}
