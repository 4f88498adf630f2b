import type { Entry } from '../engine/entries.ts'
import type { Pid } from './backend.ts'
import type { NewDelivery } from './deliveries.ts'
import type { Draft, Group } from './group.ts'
import { type Held, keyOf, type Resolved, SEEN_MAX, type Shelves } from './shelves.ts'
import type { Change, ProfileRef, Turn } from './store.ts'

/** How many message ids of erased profiles are known at most; the newest stay. */
const ERASED_MAX = 500_000

/** Where a turn is written to. */
export interface Target {
  readonly shelves: Shelves
  readonly group: Group
  /** Message ids of erased profiles: `erasedDigest` to the instant of the answer. */
  readonly erased: Map<string, number>
  newPid(): Pid
  digest(appId: string, key: string): string
}

/**
 * Makes a turn that `check` accepted part of the group, in memory at once. Names are given up before they are taken, and
 * history goes its way before anything is added to it.
 */
export function apply(target: Target, turn: Turn<unknown>, found: Resolved, ref: ProfileRef): void {
  if (turn.subject !== undefined && found.subject !== null && isCommon(turn, found)) {
    keep(target, found.subject, turn.subject)
    plan(target, found.subject, turn.deliveries)
    return remember(target, turn, found.subject, [], null)
  }
  const subject = found.subject ?? create(target, ref, turn.subject?.profile?.userId)
  const other = found.other ?? create(target, ref, turn.other?.profile?.userId)
  const ids = turn.subject?.profile === null ? idsOf(subject) : []
  const sides = [
    { held: subject, change: turn.subject, counterpart: other },
    { held: other, change: turn.other, counterpart: subject },
  ]
  for (const { held, change, counterpart } of sides) {
    if (held === null || change === undefined) continue
    const isRemoved = change.profile === null
    if (change.history === 'erase') erase(target, held)
    else if (isRemoved) append(target, held, change.entries)
    if (change.history === 'move' && counterpart !== null) move(target, held, counterpart)
    if (isRemoved) remove(target, held, change.history === 'move' ? counterpart : null, change.history ?? 'keep')
  }
  for (const { held, change } of sides) {
    if (held === null || !change?.profile) continue
    if (held.userId !== change.profile.userId) rename(target, held, change.profile.userId)
    keep(target, held, change)
  }
  for (const deviceId in turn.devices) {
    const owner = turn.devices[deviceId] === 'other' ? other : subject
    if (owner !== null) link(target, ref.appId, deviceId, owner.pid)
  }
  plan(target, subject, turn.deliveries)
  plan(target, other, turn.otherDeliveries)
  remember(target, turn, subject, ids, turn.subject?.history === 'move' ? other : null)
}

/** The turn of nearly every request: somebody who is known, keeps their id, and brings no news of devices. */
export function isCommon({ subject, other, devices, otherDeliveries }: Turn<unknown>, found: Resolved): boolean {
  if (other !== undefined || otherDeliveries !== undefined || devices !== undefined || subject?.history !== undefined)
    return false
  return found.subject !== null && subject?.profile?.userId === found.subject.userId
}

function keep(target: Target, held: Held, change: Change): void {
  const draft = draftOf(target, held)
  if (change.wakeAt !== null && (held.wakeAt === null || change.wakeAt < held.wakeAt)) draft.isEarlier = true
  if (change.profile !== held.profile || change.wakeAt !== held.wakeAt) draft.isChanged = true
  held.profile = change.profile
  held.wakeAt = change.wakeAt
  append(target, held, change.entries)
}

/** A profile nobody knew; `null` if none is wanted. */
function create(target: Target, ref: ProfileRef, userId: string | undefined): Held | null {
  if (userId === undefined) return null
  const key = keyOf(ref.appId, userId)
  // A removed profile's history is there for the next one of the same id.
  const shell = target.shelves.profiles.get(target.shelves.names.get(key)?.pid ?? 0)
  if (shell !== undefined && shell.profile === null) return shell
  const { appId } = ref
  const pid = target.newPid()
  const held = { pid, appId, userId, profile: null, wakeAt: null, seen: new Map(), busySince: 0, group: null }
  name(target, held, userId)
  draftOf(target, held).isNew = true
  return held
}

function rename(target: Target, held: Held, userId: string): void {
  const { shelves, group } = target
  const shell = shelves.profiles.get(shelves.names.get(keyOf(held.appId, userId))?.pid ?? 0)
  if (shell !== undefined) {
    move(target, shell, held)
    remove(target, shell, held, 'move')
  }
  unname(target, held)
  held.userId = userId
  name(target, held, userId)
  draftOf(target, held)
  group.steps.push({ type: 'rename', pid: held.pid, userId })
}

/** Takes the profile away. With its history kept, a row without a document stays to hold it. */
function remove(target: Target, held: Held, heir: Held | null, history: 'keep' | 'move' | 'erase'): void {
  const { group, shelves } = target
  for (const deviceId of Object.keys(held.profile?.devices ?? {})) {
    const isOurs = shelves.devices.get(keyOf(held.appId, deviceId))?.pid === held.pid
    if (isOurs) link(target, held.appId, deviceId, heir?.pid ?? 0)
  }
  for (const draft of group.devices.values()) {
    if (draft.pid === held.pid) link(target, held.appId, draft.deviceId, heir?.pid ?? 0)
  }
  const draft = draftOf(target, held)
  held.profile = null
  held.wakeAt = null
  if (history === 'keep') {
    draft.isChanged = true
    group.steps.push({ type: 'unlink', pid: held.pid })
    return
  }
  held.seen = new Map()
  unname(target, held)
  group.drafts.delete(held.pid)
  group.gone.add(held.pid)
  group.steps.push({ type: 'remove', pid: held.pid, heir: heir?.pid ?? 0 })
}

function move(target: Target, from: Held, to: Held): void {
  const giver = draftOf(target, from)
  const taker = draftOf(target, to)
  for (const entry of giver.entries) taker.entries.push(entry)
  for (const line of giver.seen) taker.seen.push(line)
  if (giver.deliveries !== null) taker.deliveries = [...(taker.deliveries ?? []), ...giver.deliveries]
  giver.entries = []
  giver.seen = []
  giver.deliveries = null
  target.group.steps.push({ type: 'move', pid: from.pid, to: to.pid })
  const seen = [...(from.seen ?? []), ...(to.seen ?? [])].sort(([, one], [, two]) => one.at - two.at)
  to.seen = new Map(seen.slice(-SEEN_MAX))
  from.seen = new Map()
}

function erase(target: Target, held: Held): void {
  const { group, erased } = target
  const draft = draftOf(target, held)
  draft.entries = []
  draft.seen = []
  draft.deliveries = null
  const ids = idsOf(held)
  for (const [digest, { at }] of held.seen ?? []) outlive(target, held.appId, ids, digest, at)
  while (erased.size > ERASED_MAX) erased.delete(erased.keys().next().value as string)
  held.seen = new Map()
  group.steps.push({ type: 'erase', pid: held.pid })
}

function remember(
  target: Target,
  turn: Turn<unknown>,
  subject: Held | null,
  ids: readonly string[],
  heir: Held | null,
): void {
  if (subject === null) return
  const isGone = target.group.gone.has(subject.pid)
  const keeper = isGone ? heir : subject
  for (const { key, answer, at } of turn.seen ?? []) {
    const digest = target.digest(subject.appId, key)
    if (keeper === null) {
      outlive(target, subject.appId, ids, digest, at)
      continue
    }
    const seen = (keeper.seen ??= new Map())
    seen.delete(digest)
    seen.set(digest, { answer, at })
    if (seen.size > SEEN_MAX) seen.delete(seen.keys().next().value as string)
    draftOf(target, keeper).seen.push({ digest, answer, at })
  }
}

/** Keeps the digest under each id that a late retry may carry: another user's message may have the same key. */
function outlive(target: Target, appId: string, ids: readonly string[], seenDigest: string, at: number): void {
  for (const id of ids) {
    const digest = erasedDigest(target.digest, appId, id, seenDigest)
    target.erased.set(digest, at)
    target.group.erased.push({ digest, at, appId, id })
  }
}

/** Under which the message id of an erased profile is kept: one for its user id, one for each of its devices. */
export function erasedDigest(digest: Target['digest'], appId: string, id: string, seenDigest: string): string {
  return digest(appId, `${id}\0${seenDigest}`)
}

function idsOf(held: Held | null): string[] {
  return held === null ? [] : [...new Set([held.userId, ...Object.keys(held.profile?.devices ?? {})])]
}

function append(target: Target, held: Held, entries: readonly Entry[] | undefined): void {
  if (entries === undefined || entries.length === 0) return
  const draft = draftOf(target, held)
  for (const entry of entries) draft.entries.push(entry)
}

function plan(target: Target, held: Held | null, deliveries: readonly NewDelivery[] | undefined): void {
  if (held === null || deliveries === undefined || deliveries.length === 0) return
  const draft = draftOf(target, held)
  draft.deliveries = [...(draft.deliveries ?? []), ...deliveries]
}

function link({ shelves, group }: Target, appId: string, deviceId: string, pid: Pid): void {
  const key = keyOf(appId, deviceId)
  if (shelves.devices.get(key)?.pid === pid) return
  shelves.devices.pin(key, { pid, group }, group)
  group.devices.set(key, { appId, deviceId, pid })
}

function name({ shelves, group }: Target, held: Held, userId: string): void {
  const key = keyOf(held.appId, userId)
  shelves.names.pin(key, { pid: held.pid, group }, group)
  group.names.add(key)
}

function unname({ shelves, group }: Target, held: Held): void {
  const key = keyOf(held.appId, held.userId)
  shelves.names.pin(key, { pid: 0, group }, group)
  group.names.add(key)
}

function draftOf({ shelves, group }: Target, held: Held): Draft {
  const known = group.drafts.get(held.pid)
  if (known !== undefined) return known
  const draft: Draft = {
    held,
    isNew: false,
    isChanged: false,
    isEarlier: false,
    entries: [],
    seen: [],
    deliveries: null,
  }
  group.drafts.set(held.pid, draft)
  if (held.group === null) held.busySince = group.openedAt
  shelves.profiles.pin(held.pid, held, group)
  return draft
}
