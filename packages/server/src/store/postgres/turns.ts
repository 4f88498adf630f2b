import { type Clock } from '@damson/core'
import { apply } from '../apply.ts'
import { check, isWriting, needsSeen } from '../check.ts'
import { keyOf, type Resolved, resolve } from '../shelves.ts'
import type { ProfileRef, Turn } from '../store.ts'
import type { DeviceOwners } from './device-owners.ts'
import { bucketOf, decodeId } from './keys.ts'
import { deviceKey, need as nothing, type Need, needErased, needProfile, type Reader, rowsOf, sendHot } from './load.ts'
import type { RememberedRows } from './remembered.ts'
import type { Sessions, Transaction } from './session.ts'
import { subjectIdOf, type Task } from './task.ts'
import type { Secrets, Work } from './work.ts'

/** What came of a turn whose group is committed: its answer, its own failure, or that it has to be played again. */
export type End =
  | { readonly type: 'answered'; readonly answer: unknown }
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'again' }

export interface Player extends Reader {
  readonly sessions: Sessions
  readonly owners: DeviceOwners
  readonly remembered: RememberedRows
  /** Whether turns are decided on rows that are not locked. */
  readonly isGuessing: boolean
  readonly clock: Clock
  secrets(): Secrets
  digits(): string
}

/** What a wide turn read was changed before it was locked; the same again will see it. */
export class StaleReadError extends Error {
  readonly code = '40001'
}

/** The profile that each turn is about, as far as it is known to whom its device belongs. */
export function keysOf(player: Player, tasks: readonly Task[]): readonly string[] {
  return tasks.map(({ ref }) => keyOf(ref.appId, subjectOf(player, ref)))
}

/** Whom a turn is about, as far as it is known now to whom its device belongs. */
export function subjectOf({ owners }: Player, ref: ProfileRef): string {
  const owner = ref.deviceId ? owners.get(ref.appId, ref.deviceId) : undefined
  return subjectIdOf(ref, owner ?? null)
}

/** @param keys of the profiles that narrow turns are about, where rows may be only remembered */
export function decideAll(
  player: Player,
  work: Work,
  tasks: readonly Task[],
  isWide: boolean,
  keys: readonly string[] = [],
): readonly End[] {
  const late = new Set<object>()
  return tasks.map((task, index) => {
    // Turns of one chain keep their order: those behind one that must come again come again, too.
    if (late.has(task.chain ?? task)) return { type: 'again' }
    const end = surely(work, task, keys[index], decideOne(player, work, task, isWide))
    if (end.type === 'again') late.add(task.chain ?? task)
    return end
  })
}

/** What rests on a row that was only remembered, and is not written, has to be decided on the row itself. */
function surely(work: Work, task: Task, key: string | undefined, end: End): End {
  const row = key === undefined ? undefined : work.rowAt(key)
  if (!row?.guess?.isRemembered || work.group.drafts.has(row.held.pid)) return end
  task.isUnsure = true
  return { type: 'again' }
}

function decideOne(player: Player, work: Work, task: Task, isWide: boolean): End {
  const { shelves, group, target } = work
  const { ref } = task
  try {
    const found = resolve(shelves, ref, false)
    if (found === null) return widen(player, task, isWide)
    const turn = task.decide(work.loadedOf(found, ref))
    if (!isWriting(turn, found, ref, shelves)) return { type: 'answered', answer: turn.answer }
    if (!isWide && !isNarrowTurn(turn, found, ref, work)) return widen(player, task, isWide)
    if (isWide && lacks(task, turn, ref, work)) return { type: 'again' }
    check(turn, found, ref, shelves)
    try {
      apply(target, turn, found, ref)
    } catch (cause) {
      throw new HalfTurnError(cause)
    }
    return { type: 'answered', answer: turn.answer }
  } catch (error) {
    if (error instanceof HalfTurnError) throw error.cause
    return { type: 'failed', error }
  } finally {
    group.waiting.length = 0
  }
}

/** A mistake of ours: the group holds half a turn now, and must not be written. */
class HalfTurnError extends Error {
  constructor(cause: unknown) {
    super('half a turn was applied', { cause })
  }
}

function widen(player: Player, task: Task, isWide: boolean): End {
  if (isWide) throw new Error('Expected a wide turn to have read all it needs.')
  const { appId, deviceId } = task.ref
  if (deviceId) player.owners.forget(appId, deviceId)
  task.isWide = true
  return { type: 'again' }
}

/** Nothing but one row is written, and what hangs on it. */
function isNarrowTurn(turn: Turn<unknown>, { subject }: Resolved, ref: ProfileRef, { shelves }: Work): boolean {
  const { subject: change, other, devices } = turn
  if (other !== undefined || (change?.history ?? 'keep') !== 'keep' || change?.profile === null) return false
  if (subject === null) {
    const isOwnName = change?.profile.userId === subjectIdOf(ref, null)
    return isOwnName && Object.keys(devices ?? {}).length === 0
  }
  if (change !== undefined && change.profile.userId !== subject.userId) return false
  return Object.keys(devices ?? {}).every((id) => shelves.devices.get(keyOf(ref.appId, id))?.pid === subject.pid)
}

/** Whether a wide turn has to be played again with more read: message ids to move or erase, devices it gives away. */
function lacks(task: Task, turn: Turn<unknown>, ref: ProfileRef, { shelves }: Work): boolean {
  const strangers = Object.keys(turn.devices ?? {}).filter(
    (id) => shelves.devices.get(keyOf(ref.appId, id)) === undefined,
  )
  const isShort = needsSeen({ ...turn, seen: [] }) && !task.needsAllSeen
  if (isShort) task.needsAllSeen = true
  if (strangers.length > 0) task.extraDevices = [...task.extraDevices, ...strangers]
  return isShort || strangers.length > 0
}

export function needOf(
  player: Player,
  tasks: readonly Task[],
  ownersBefore: ReadonlyMap<string, string | null> | null,
): Need {
  const need = nothing()
  for (const task of tasks) {
    const { ref } = task
    const { appId, userId, deviceId, otherUserId } = ref
    const keys = task.needsAllSeen ? 'all' : ref.needsSeen ? (ref.seenKeys ?? 'all') : null
    if (ownersBefore === null) {
      const subject = subjectOf(player, ref)
      needProfile(need, appId, subject, keys)
      if (keys === null) continue
      const bucket = bucketOf(appId, subject)
      for (const id of [userId, deviceId]) if (id) needErased(need, bucket, appId, id, keys)
      continue
    }
    const owners = devicesOf(task).map((id) => ownersBefore.get(keyOf(appId, id)))
    for (const id of [userId, deviceId, otherUserId, ...owners]) if (id) needProfile(need, appId, id, keys)
    if (keys === null) continue
    for (const id of [userId, deviceId]) if (id) needErased(need, bucketOf(appId, id), appId, id, keys)
  }
  return need
}

function devicesOf({ ref, extraDevices }: Task): string[] {
  return [...(ref.deviceId ? [ref.deviceId] : []), ...extraDevices]
}

function deviceRows(tasks: readonly Task[]): ReturnType<typeof deviceKey>[] {
  const rows = new Map<string, ReturnType<typeof deviceKey>>()
  for (const task of tasks)
    for (const id of devicesOf(task)) rows.set(keyOf(task.ref.appId, id), deviceKey(task.ref.appId, id))
  return [...rows.values()]
}

export async function readOwners(
  transaction: Transaction,
  { statements, isNarrow }: Player,
  tasks: readonly Task[],
): Promise<Map<string, string | null>> {
  const owners = new Map<string, string | null>()
  for (const task of tasks) for (const id of devicesOf(task)) owners.set(keyOf(task.ref.appId, id), null)
  const rows = await rowsOf(sendHot(transaction, isNarrow, statements.readDevices, deviceRows(tasks)))
  for (const row of rows) owners.set(...ownerOf(row))
  return owners
}

/** Devices are locked behind the profiles. @returns whether they still lead where they led when they were read */
export async function lockOwners(
  transaction: Transaction,
  { statements, isNarrow }: Player,
  tasks: readonly Task[],
  before: ReadonlyMap<string, string | null>,
): Promise<boolean> {
  const rows = await rowsOf(sendHot(transaction, isNarrow, statements.lockDevices, deviceRows(tasks)))
  const now = new Map(rows.map(ownerOf))
  return [...before].every(([key, owner]) => (now.get(key) ?? null) === owner)
}

function ownerOf(row: Readonly<Record<string, unknown>>): [key: string, userId: string] {
  const key = keyOf(decodeId(String(row.app_id)), decodeId(String(row.device_id)))
  return [key, decodeId(String(row.user_id))]
}

/** Devices that lead to nobody are known to, now. */
export function installOwners({ shelves }: Work, owners: ReadonlyMap<string, string | null>): void {
  for (const [key, owner] of owners) if (owner === null) shelves.devices.put(key, { pid: 0, group: null })
}
