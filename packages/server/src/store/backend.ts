import type { EpochMs } from '@damson/core'
import type { Delivery, DeliveryClaim, DeliveryQuery, Settlement } from './deliveries.ts'
import type { DocumentRevision } from './documents.ts'

/** Names a profile inside one store; stays when the profile is renamed. Positive; 0 stands for nobody. */
export type Pid = number

/**
 * What the book asks of a medium. One caller, the book: it sends one commit at a time, and calls are carried out in the
 * order they were made, so that a load sees every commit sent before it and none sent after it.
 */
export interface Backend {
  /** Several turns' worth of reading at once; answers index for index. */
  load(requests: readonly LoadRequest[]): Promise<readonly LoadAnswer[]>
  /** Durable when it resolves; when it rejects, none of it is kept. */
  commit(batch: Batch): Promise<void>
  /** The documents of all apps, in the order they were saved first. */
  apps(): Promise<readonly string[]>
  overdue(now: EpochMs, limit: number): Promise<readonly Owner[]>
  /** In order of user id; empty at the end. */
  profilePage(appId: string, afterUserId: string | null): Promise<readonly ProfileLine[]>
  entryPage(query: EntryPageQuery): Promise<EntryPage>
  claimDeliveries(claim: DeliveryClaim): Promise<readonly Delivery[]>
  settleDelivery(id: string, attempt: number, settlement: Settlement): Promise<boolean>
  /** In order of time and id; empty at the end. */
  deliveryPage(query: DeliveryQuery, after: DeliveryMark | null): Promise<readonly Delivery[]>
  reviveDelivery(appId: string, id: string, dueAt: EpochMs): Promise<boolean>
  documents(appId: string, kind: string): Promise<DocumentRows>
  revisions(): Promise<readonly DocumentRevision[]>
  /** Drops message ids answered before `horizon`, and remembers it; drops deliveries that failed before `failedBefore`. */
  forget(horizon: EpochMs, failedBefore: EpochMs): Promise<void>
  close(): Promise<void>
}

/** What the book has to know before the first turn. */
export interface Opened {
  /** Greater than every `Pid` in use. */
  readonly nextPid: Pid
  /** Secret of this store; message ids are kept as digests salted with it. */
  readonly salt: string
  readonly horizon: EpochMs
  /** Digests of message ids of erased profiles. */
  readonly erased: readonly (readonly [digest: string, at: EpochMs])[]
}

/** Reads, by name, device and pid, what one turn needs. */
export interface LoadRequest {
  readonly appId: string
  readonly userIds: readonly string[]
  readonly deviceId: string | null
  readonly pids: readonly Pid[]
  readonly withSeen: boolean
}

export interface LoadAnswer {
  /** Whom the device belongs to. */
  readonly devicePid: Pid
  /** Every profile that was named, and the device's. */
  readonly rows: readonly ProfileRow[]
}

export interface ProfileRow {
  readonly pid: Pid
  readonly userId: string
  /** `null`: the profile was removed and its history kept. */
  readonly doc: string | null
  readonly wakeAt: EpochMs | null
  /** Oldest first; `null` unless asked for. */
  readonly seen: readonly (readonly [digest: string, answer: string, at: EpochMs])[] | null
}

/** Whose history it is: an app and the user's id in it. */
export interface Owner {
  readonly appId: string
  readonly userId: string
}

export interface ProfileLine {
  readonly userId: string
  readonly doc: string | null
}

export interface EntryPageQuery {
  readonly appId: string
  /** Only this user's lines. */
  readonly userId: string | null
  /** `next` of the page before; 0 at first. */
  readonly after: number
}

export interface EntryPage {
  readonly lines: readonly EntryLine[]
  /** Where the next page begins, even if this one is empty; `null` at the end. */
  readonly next: number | null
}

/** Where a page of deliveries ended: the instant it is sorted by, and the id. */
export interface DeliveryMark {
  readonly at: EpochMs
  readonly id: string
}

export interface DocumentRows {
  readonly revision: number
  readonly rows: readonly (readonly [id: string, doc: string])[]
}

/** `data` is a JSON list of entries: what one commit added to one history. */
export interface EntryLine {
  readonly userId: string
  readonly data: string
}

/** One commit: first the steps in their order, then the rest in any order. Each value is the last one of its group. */
export interface Batch {
  readonly steps: readonly Step[]
  /** Profiles that have no row yet. */
  readonly inserts: readonly (readonly [
    pid: Pid,
    appId: string,
    userId: string,
    doc: string | null,
    wakeAt: EpochMs | null,
  ])[]
  /** Profiles that have one. */
  readonly updates: readonly (readonly [pid: Pid, doc: string | null, wakeAt: EpochMs | null])[]
  /** Updated profiles that may have to be looked at earlier than was planned. */
  readonly arms: readonly (readonly [pid: Pid, wakeAt: EpochMs])[]
  /** Whom devices belong to from now on. */
  readonly devices: readonly (readonly [appId: string, deviceId: string, pid: Pid])[]
  /** `data` is a JSON list of entries. */
  readonly entries: readonly (readonly [pid: Pid, data: string])[]
  readonly seen: readonly (readonly [pid: Pid, digest: string, answer: string, at: EpochMs])[]
  readonly erased: readonly (readonly [digest: string, at: EpochMs])[]
  readonly apps: readonly (readonly [appId: string, doc: string])[]
  readonly deliveries: readonly (readonly [
    id: string,
    pid: Pid,
    appId: string,
    kind: string,
    dueAt: EpochMs,
    data: string,
  ])[]
  /** `doc` `null` removes. */
  readonly documents: readonly (readonly [appId: string, kind: string, id: string, doc: string | null])[]
  readonly revisions: readonly (readonly [appId: string, kind: string, revision: number])[]
}

/** The rare changes whose order matters. A step may name a profile that has no row yet; then there is nothing to do. */
export type Step =
  | { readonly type: 'rename'; readonly pid: Pid; readonly userId: string }
  /** Gives history, message ids and deliveries to another profile. */
  | { readonly type: 'move'; readonly pid: Pid; readonly to: Pid }
  /** Leaves no byte of history, message ids and deliveries. */
  | { readonly type: 'erase'; readonly pid: Pid }
  /** Its devices belong to nobody. */
  | { readonly type: 'unlink'; readonly pid: Pid }
  /** Drops the row; its devices belong to `heir`. */
  | { readonly type: 'remove'; readonly pid: Pid; readonly heir: Pid }
