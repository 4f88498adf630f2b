import type { EpochMs } from '@damson/core'
import type { App } from '../engine/app.ts'
import type { Entry } from '../engine/entries.ts'
import { entriesText } from '../engine/entries-text.ts'
import { profileText } from '../engine/profile-text.ts'
import type { Batch, Pid, Step } from './backend.ts'
import type { NewDelivery } from './deliveries.ts'
import type { Held } from './shelves.ts'

/** What a group adds to one profile. */
export interface Draft {
  readonly held: Held
  /** The profile has no row yet. */
  isNew: boolean
  isChanged: boolean
  /** Its next look may be earlier than the one planned. */
  isEarlier: boolean
  entries: Entry[]
  seen: { readonly digest: string; readonly answer: string; readonly at: EpochMs }[]
  /** `null`: none, as in nearly every group. */
  deliveries: NewDelivery[] | null
}

export interface DeviceDraft {
  readonly appId: string
  readonly deviceId: string
  pid: Pid
}

/** A message id of an erased profile, known under one of the ids a late retry may carry. */
export interface ErasedMark {
  readonly digest: string
  readonly at: EpochMs
  readonly appId: string
  readonly id: string
}

/** Turns that share a commit: they are durable together, or none of them is. */
export interface Group {
  /** When its first turn came; monotonic milliseconds. */
  readonly openedAt: number
  readonly drafts: Map<Pid, Draft>
  readonly devices: Map<string, DeviceDraft>
  /** Names whose link changed, to be unpinned. */
  readonly names: Set<string>
  /** Profiles that are gone once the group is durable. */
  readonly gone: Set<Pid>
  readonly erased: ErasedMark[]
  readonly apps: App[]
  readonly documents: Batch['documents'][number][]
  readonly revisions: Batch['revisions'][number][]
  readonly steps: Step[]
  readonly waiting: Waiting[]
}

/** A caller that is answered when a group is durable. */
export interface Waiting {
  succeed(): void
  fail(error: Error): void
}

export function createGroup(openedAt: number): Group {
  return {
    openedAt,
    drafts: new Map(),
    devices: new Map(),
    names: new Set(),
    gone: new Set(),
    erased: [],
    apps: [],
    documents: [],
    revisions: [],
    steps: [],
    waiting: [],
  }
}

/** Writes down the last value of everything the group touched. */
export function seal(group: Group): Batch {
  const inserts: Batch['inserts'][number][] = []
  const updates: Batch['updates'][number][] = []
  const arms: Batch['arms'][number][] = []
  const entries: Batch['entries'][number][] = []
  const seen: Batch['seen'][number][] = []
  const deliveries: Batch['deliveries'][number][] = []
  for (const [pid, draft] of group.drafts) {
    const { appId, userId, profile, wakeAt } = draft.held
    const doc = (draft.isNew || draft.isChanged) && profile !== null ? profileText(profile) : null
    if (draft.isNew) inserts.push([pid, appId, userId, doc, wakeAt])
    else if (draft.isChanged) updates.push([pid, doc, wakeAt])
    if (draft.isEarlier && !draft.isNew && wakeAt !== null) arms.push([pid, wakeAt])
    if (draft.entries.length > 0) entries.push([pid, entriesText(draft.entries)])
    for (const { digest, answer, at } of draft.seen) seen.push([pid, digest, answer, at])
    if (draft.deliveries !== null)
      for (const { id, kind, dueAt, data } of draft.deliveries) deliveries.push([id, pid, appId, kind, dueAt, data])
  }
  return {
    steps: group.steps,
    inserts,
    updates,
    arms,
    devices: [...group.devices.values()].map(({ appId, deviceId, pid }) => [appId, deviceId, pid]),
    entries,
    seen,
    erased: group.erased.map(({ digest, at }) => [digest, at]),
    apps: group.apps.map((app) => [app.appId, JSON.stringify(app)]),
    deliveries,
    documents: group.documents,
    revisions: group.revisions,
  }
}
