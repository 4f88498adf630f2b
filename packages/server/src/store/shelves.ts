import type { EpochMs } from '@damson/core'
import { profileOf } from '../engine/profile-text.ts'
import type { Profile } from '../engine/profile.ts'
import type { LoadAnswer, LoadRequest, Pid } from './backend.ts'
import { createShelf, type Pinnable, type Shelf } from './shelf.ts'
import type { ProfileRef } from './store.ts'

/** How many message ids of one profile are known at most; the newest stay. */
export const SEEN_MAX = 10_000

export type Seen = Map<string, { readonly answer: string; readonly at: EpochMs }>

/** A profile in memory: as the medium has it or, with a `group`, as it will. */
export interface Held extends Pinnable {
  readonly pid: Pid
  readonly appId: string
  userId: string
  /** `null`: removed; its history may still be there. */
  profile: Profile | null
  wakeAt: EpochMs | null
  /** All its message ids, oldest first; `null`: not read yet. */
  seen: Seen | null
  /** When its oldest turn that is not durable came; means something only with a `group`. */
  busySince: number
}

/** Whom a user id or a device id belongs to; `pid` 0: nobody. */
export interface Link extends Pinnable {
  readonly pid: Pid
}

export interface Shelves {
  readonly profiles: Shelf<Pid, Held>
  readonly names: Shelf<string, Link>
  readonly devices: Shelf<string, Link>
}

/** What a `ProfileRef` means (specification 4.2). */
export interface Resolved {
  readonly subject: Held | null
  readonly other: Held | null
  readonly deviceUserId: string | null
  /** What the answer rests on. */
  readonly rests: readonly Pinnable[]
}

export function createShelves(max: number): Shelves {
  return { profiles: createShelf(max), names: createShelf(max), devices: createShelf(max) }
}

export function keyOf(appId: string, id: string): string {
  return `${appId}\0${id}`
}

/** Resolves from memory; `null` when something has to be read first. */
export function resolve(shelves: Shelves, ref: ProfileRef, withSeen: boolean): Resolved | null {
  const { appId, deviceId } = ref
  const rests: Pinnable[] = []
  const byLink = (link: Link | undefined): Held | null | undefined => {
    if (link === undefined) return undefined
    rests.push(link)
    if (link.pid === 0) return null
    const held = shelves.profiles.get(link.pid)
    if (held === undefined || (withSeen && held.seen === null)) return undefined
    rests.push(held)
    return held
  }
  const byName = (userId: string) => byLink(shelves.names.get(keyOf(appId, userId)))

  const owner = deviceId ? byLink(shelves.devices.get(keyOf(appId, deviceId))) : null
  if (owner === undefined) return null
  const isKnown = owner !== null && owner.profile !== null
  const subject = ref.userId && ref.userId !== deviceId ? byName(ref.userId) : isKnown ? owner : byName(nameOf(ref))
  if (subject === undefined) return null
  const other = ref.otherUserId === undefined ? null : byName(ref.otherUserId)
  if (other === undefined) return null
  return { subject, other: other === subject ? null : other, deviceUserId: isKnown ? owner.userId : null, rests }
}

/** The user id under which a profile is found when the device does not lead to one. */
export function nameOf(ref: ProfileRef): string {
  const name = ref.userId || ref.deviceId
  if (!name) throw new Error('Expected a ProfileRef with a userId or a deviceId, but it has neither.')
  return name
}

export function requestOf(shelves: Shelves, ref: ProfileRef, withSeen: boolean): LoadRequest {
  const { appId, deviceId } = ref
  const userIds = [...new Set([ref.userId, deviceId, ref.otherUserId])].filter(
    (id) => typeof id === 'string' && id !== '',
  )
  const links = userIds.map((id) => shelves.names.get(keyOf(appId, id as string)))
  if (deviceId) links.push(shelves.devices.get(keyOf(appId, deviceId)))
  const pids = links.flatMap((link) => (link === undefined || link.pid === 0 ? [] : [link.pid]))
  return { appId, userIds: userIds as string[], deviceId: deviceId || null, pids, withSeen }
}

/** Adds what was read. What is in memory is as new or newer, and stays. */
export function install(shelves: Shelves, request: LoadRequest, answer: LoadAnswer): void {
  const { appId, deviceId } = request
  const pidOfName = new Map<string, Pid>()
  for (const row of answer.rows) {
    pidOfName.set(row.userId, row.pid)
    const held = shelves.profiles.get(row.pid)
    if (held === undefined) {
      const profile = row.doc === null ? null : profileOf(row.doc)
      const { pid, userId, wakeAt } = row
      shelves.profiles.put(pid, {
        pid,
        appId,
        userId,
        profile,
        wakeAt,
        seen: seenOf(row.seen),
        busySince: 0,
        group: null,
      })
    } else held.seen ??= seenOf(row.seen)
  }
  for (const userId of request.userIds) {
    const key = keyOf(appId, userId)
    if (shelves.names.get(key) === undefined) shelves.names.put(key, { pid: pidOfName.get(userId) ?? 0, group: null })
  }
  if (deviceId === null) return
  const key = keyOf(appId, deviceId)
  const link = shelves.devices.get(key)
  const isStale = link !== undefined && link.pid !== 0 && shelves.profiles.get(link.pid) === undefined
  if (link === undefined || isStale) shelves.devices.put(key, { pid: answer.devicePid, group: null })
}

function seenOf(rows: LoadAnswer['rows'][number]['seen']): Seen | null {
  return rows === null ? null : new Map(rows.map(([digest, answer, at]) => [digest, { answer, at }]))
}
