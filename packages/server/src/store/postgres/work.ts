import { hash } from 'node:crypto'
import type { EpochMs } from '@damson/core'
import { erasedDigest, type Target } from '../apply.ts'
import type { Pid } from '../backend.ts'
import { createGroup, type Group } from '../group.ts'
import { createShelves, type Held, keyOf, type Resolved, type Seen, type Shelves } from '../shelves.ts'
import type { Loaded, ProfileRef } from '../store.ts'

/** The row of a profile, as it is in the database or will be. */
export interface Row {
  readonly held: Held
  /** Under which its row and its history are found now. */
  userId: string
  isThere: boolean
  /** Devices that lead to it. Another set when they change: nearly always they do not. */
  devices: ReadonlySet<string>
  /** Devices as they were read: whether they have to be written. */
  readonly devicesBefore: ReadonlySet<string>
  /** Time of its last change; see `entry-ids.ts`. */
  tail: number
  /** What it is written on condition of; `null`: it is locked, or not there yet. */
  readonly guess: Guess | null
}

/** Which version of a row was read, without a lock. */
export interface Guess {
  readonly version: string
  readonly tail: number
  /** It was not read for this group: whoever writes nothing cannot rely on it. */
  readonly isRemembered: boolean
  /** What else it is written on condition of. */
  readonly hopes: Hopes | null
}

/** Message ids that turns took for new without looking. */
export interface Hopes {
  /** Digests of them. */
  readonly unseen: string[]
  /** The same as they would be kept of somebody erased. */
  readonly unerased: { readonly holder: string; readonly digest: string }[]
}

/** What one transaction knows: rows it has locked, and what its turns make of them. Turns are played on it as in a book. */
export interface Work {
  readonly shelves: Shelves
  readonly group: Group
  readonly target: Target
  readonly rows: Map<Pid, Row>
  digest(appId: string, key: string): string
  /** Adds a row; `null` says that nobody has this id. @param seen its message ids; `null`: not asked for */
  install(appId: string, userId: string, row: LoadedRow | null, seen: Seen | null, guess?: Guess | null): void
  /** The row of a user id, if there is one. */
  rowAt(key: string): Row | undefined
  loadedOf(found: Resolved, ref: ProfileRef): Loaded
}

export interface LoadedRow {
  readonly profile: Held['profile']
  readonly wakeAt: EpochMs | null
  readonly tail: number
  readonly devices: ReadonlySet<string>
}

export interface Secrets {
  readonly salt: string
  /** Message ids answered before it are forgotten. */
  readonly horizon: EpochMs
}

export function createWork({ salt, horizon }: Secrets): Work {
  const shelves = createShelves(Infinity)
  const group = createGroup(0)
  const rows = new Map<Pid, Row>()
  const erased = new Map<string, number>()
  let lastPid = 0
  const digests = new Map<string, string>()
  const target: Target = { shelves, group, erased, digest, newPid: () => (lastPid += 1) }

  function digest(appId: string, key: string): string {
    const name = keyOf(appId, key)
    const known = digests.get(name)
    if (known !== undefined) return known
    const made = digestOf(salt, appId, key)
    digests.set(name, made)
    return made
  }

  function install(
    appId: string,
    userId: string,
    row: LoadedRow | null,
    seen: Seen | null,
    guess: Guess | null = null,
  ): void {
    if (row === null) return shelves.names.put(keyOf(appId, userId), { pid: 0, group: null })
    const pid = target.newPid()
    const { profile, wakeAt, tail } = row
    const held: Held = { pid, appId, userId, profile, wakeAt, seen, busySince: 0, group: null }
    const { devices } = row
    rows.set(pid, { held, userId, isThere: true, devices, devicesBefore: devices, tail, guess })
    shelves.profiles.put(pid, held)
    shelves.names.put(keyOf(appId, userId), { pid, group: null })
    for (const deviceId of devices) shelves.devices.put(keyOf(appId, deviceId), { pid, group: null })
  }

  function loadedOf({ subject, other, deviceUserId }: Resolved, { appId, userId, deviceId }: ProfileRef): Loaded {
    const isErased = (seenDigest: string, id: string | null) =>
      erased.size > 0 &&
      id !== null &&
      (erased.get(erasedDigest(digest, appId, id, seenDigest)) ?? -Infinity) >= horizon
    return {
      subject: subject?.profile ?? null,
      other: other?.profile ?? null,
      deviceUserId,
      seen(key) {
        const seenDigest = digest(appId, key)
        const before = subject?.seen?.get(seenDigest)
        if (before !== undefined && before.at >= horizon) return before.answer
        return isErased(seenDigest, userId) || isErased(seenDigest, deviceId) ? '' : undefined
      },
    }
  }

  const rowAt = (key: string) => rows.get(shelves.names.get(key)?.pid ?? 0)

  return { shelves, group, target, rows, digest, install, rowAt, loadedOf }
}

/** Stands for a text without telling it. */
export function digestOf(salt: string, appId: string, key: string): string {
  return hash('sha256', salt + keyOf(appId, key), 'base64url').slice(0, 22)
}

/** Under which the erased message ids of a user or a device are kept. */
export function holderOf(salt: string, appId: string, id: string): string {
  return digestOf(salt, appId, `holder\0${id}`)
}
