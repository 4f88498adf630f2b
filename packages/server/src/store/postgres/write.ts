import type { EpochMs } from '@damson/core'
import type { Pid } from '../backend.ts'
import type { Draft } from '../group.ts'
import { keyOf } from '../shelves.ts'
import { eraseHistory, moveHistory } from './history.ts'
import { bucketOf, decodeId, encodeId, keyAt } from './keys.ts'
import { type Dating, linesOf, type RowLines } from './lines.ts'
import { deviceKey, type Line, ownedBy, postHot, profileKey, rowsOf, sendHot } from './load.ts'
import type { PostgresResult } from './pool.ts'
import type { Transaction } from './session.ts'
import type { Hot, Statements } from './statements.ts'
import { holderOf, type Row, type Work } from './work.ts'

export interface Writer extends Omit<Dating, 'now'> {
  readonly statements: Statements
  readonly isNarrow: boolean
  readonly salt: string
}

export type Send = (statement: Hot, lines: readonly Line[]) => void

/** Sends what the turns of `work` made of their profiles. What is sent may fail later; then nothing of it is kept. */
export async function write(transaction: Transaction, writer: Writer, work: Work, now: EpochMs): Promise<void> {
  const { group } = work
  const isAboutDevices = group.steps.length > 0 || group.devices.size > 0
  const before = isAboutDevices
    ? ownersOf(
        work,
        (row) => row.devicesBefore,
        (row) => row.userId,
      )
    : new Map()
  for (const [pid, draft] of group.drafts) rowOf(work, pid, draft)
  for (const step of group.steps) await take(transaction, writer, work, step)
  for (const { appId, deviceId, pid } of group.devices.values()) giveDevice(work, appId, deviceId, pid)
  const send: Send = (statement, lines) => postHot(transaction, writer.isNarrow, statement, lines)
  writeRows(send, writer, work, now)
  if (!isAboutDevices && group.erased.length === 0) return
  const after = ownersOf(
    work,
    (row) => row.devices,
    (row) => row.held.userId,
  )
  if (isAboutDevices) {
    const ask = (rows: readonly Line[]) =>
      rowsOf(sendHot(transaction, writer.isNarrow, writer.statements.erasedAll, rows))
    await writeDevices(send, ask, writer, before, after)
  }
  if (group.erased.length === 0) return
  // A device that the erased one was on once may lead to somebody who has no part in this.
  const devices = new Map(group.erased.map(({ appId, id }) => [keyOf(appId, id), deviceKey(appId, id)]))
  const locked = await rowsOf(
    sendHot(transaction, writer.isNarrow, writer.statements.lockDevices, [...devices.values()]),
  )
  writeErased(send, writer, work, locked)
}

const NO_DEVICES: ReadonlySet<string> = new Set()

/** Of a profile that got its number in this group there is nothing in the database yet. */
export function rowOf({ rows }: Work, pid: Pid, { held }: Pick<Draft, 'held'>): Row {
  const known = rows.get(pid)
  if (known !== undefined) return known
  const row: Row = {
    held,
    userId: held.userId,
    isThere: false,
    devices: NO_DEVICES,
    devicesBefore: NO_DEVICES,
    tail: 0,
    guess: null,
  }
  rows.set(pid, row)
  return row
}

async function take(
  transaction: Transaction,
  writer: Writer,
  work: Work,
  step: Work['group']['steps'][number],
): Promise<void> {
  const row = work.rows.get(step.pid)
  if (row === undefined) return
  const { appId } = row.held
  const key = keyAt(appId, row.userId)
  const remove = () => {
    if (row.isThere) postHot(transaction, writer.isNarrow, writer.statements.deleteProfiles, [profileKey(key)])
    row.isThere = false
  }
  switch (step.type) {
    case 'rename':
      if (step.userId === row.userId) return
      await moveHistory(transaction, writer, key, keyAt(appId, step.userId))
      remove()
      row.userId = step.userId
      return
    case 'move': {
      const heir = work.rows.get(step.to)
      if (heir === undefined) throw new Error('Expected a history to move to a profile of the turn.')
      await moveHistory(transaction, writer, key, keyAt(appId, heir.userId))
      heir.tail = Math.max(heir.tail, row.tail)
      return
    }
    case 'erase':
      return eraseHistory(transaction, key)
    case 'unlink':
      row.devices = NO_DEVICES
      return
    case 'remove': {
      const heir = work.rows.get(step.heir)
      if (heir !== undefined) heir.devices = new Set([...heir.devices, ...row.devices])
      row.devices = NO_DEVICES
      return remove()
    }
  }
}

function giveDevice({ rows }: Work, appId: string, deviceId: string, pid: Pid): void {
  for (const row of rows.values())
    if (row.held.appId === appId && row.devices.has(deviceId))
      row.devices = new Set([...row.devices].filter((id) => id !== deviceId))
  const owner = rows.get(pid)
  if (owner !== undefined) owner.devices = new Set([...owner.devices, deviceId])
}

function writeRows(send: Send, { statements, digits }: Writer, work: Work, now: EpochMs): void {
  const lines = linesOf(work, { now, digits })
  const known = lines.filter(({ row }) => row.isThere)
  send(
    statements.updateProfiles,
    known.map(({ key, profile: { doc, wake_at, tail }, row, hasNewDevices }) => {
      const devices = hasNewDevices ? [...row.devices].map(encodeId) : undefined
      return ownedBy(key, { doc, wake_at, tail, devices })
    }),
  )
  insertRows(
    send,
    statements,
    lines.filter(({ row }) => !row.isThere),
  )
  appendRows(send, statements, lines)
}

/** Profiles that are new. */
export function insertRows(send: Send, statements: Statements, lines: readonly RowLines[]): void {
  send(
    statements.insertProfiles,
    lines.map(({ key, profile: { doc, wake_at, tail }, row }) =>
      ownedBy(key, { doc, wake_at, look_at: wake_at, tail, devices: [...row.devices].map(encodeId) }),
    ),
  )
}

/** What is added to profiles: history, message ids, deliveries. */
export function appendRows(send: Send, statements: Statements, lines: readonly RowLines[]): void {
  send(
    statements.insertEntries,
    lines.flatMap(({ key, entry }) => (entry === null ? [] : [ownedBy(key, entry)])),
  )
  send(
    statements.insertSeen,
    lines.flatMap(({ key, seen }) => seen.map((line) => ownedBy(key, line))),
  )
  send(
    statements.insertDeliveries,
    lines.flatMap(({ key, deliveries }) => deliveries.map((line) => ownedBy(key, line))),
  )
}

interface Owner {
  readonly appId: string
  readonly deviceId: string
  readonly userId: string
}

function ownersOf(
  { rows }: Work,
  devicesOf: (row: Row) => ReadonlySet<string>,
  userIdOf: (row: Row) => string,
): Map<string, Owner> {
  const owners = new Map<string, Owner>()
  for (const row of rows.values()) {
    const { appId } = row.held
    for (const deviceId of devicesOf(row))
      owners.set(keyOf(appId, deviceId), { appId, deviceId, userId: userIdOf(row) })
  }
  return owners
}

async function writeDevices(
  send: Send,
  ask: (holders: readonly Line[]) => Promise<PostgresResult['rows']>,
  { statements, salt }: Writer,
  before: ReadonlyMap<string, Owner>,
  after: ReadonlyMap<string, Owner>,
): Promise<void> {
  const changed = [...after].filter(([key, { userId }]) => before.get(key)?.userId !== userId)
  const line = ({ appId, deviceId, userId }: Owner) => ({ ...deviceKey(appId, deviceId), user_id: encodeId(userId) })
  const gone = [...before].filter(([key]) => !after.has(key))
  send(
    statements.deleteDevices,
    gone.map(([, owner]) => line(owner)),
  )
  send(
    statements.updateDevices,
    changed.filter(([key]) => before.has(key)).map(([, owner]) => line(owner)),
  )
  send(
    statements.insertDevices,
    changed.filter(([key]) => !before.has(key)).map(([, owner]) => line(owner)),
  )
  // What was erased of a device must be known where its user is: most turns look nowhere else.
  const strangers = changed.flatMap(([, { appId, deviceId, userId }]) => {
    const [bucket, home] = [bucketOf(appId, deviceId), bucketOf(appId, userId)]
    return bucket === home ? [] : [{ bucket, home, holder: holderOf(salt, appId, deviceId) }]
  })
  if (strangers.length === 0) return
  const marks = await ask(strangers)
  const homes = new Map(strangers.map(({ holder, home }) => [holder, home]))
  send(
    statements.insertErased,
    marks.map(({ holder, digest, at }) => ({ bucket: homes.get(String(holder)) ?? 0, holder, digest, at: Number(at) })),
  )
}

/** Where the one id is looked for, and where the user is whom it leads to. */
function writeErased(send: Send, { statements, salt }: Writer, { group }: Work, devices: PostgresResult['rows']): void {
  const homes = new Map(
    devices.map((row) => {
      const appId = decodeId(String(row.app_id))
      return [keyOf(appId, decodeId(String(row.device_id))), bucketOf(appId, decodeId(String(row.user_id)))]
    }),
  )
  const lines = group.erased.flatMap(({ appId, id, digest, at }) => {
    const holder = holderOf(salt, appId, id)
    const own = bucketOf(appId, id)
    const buckets = new Set([own, homes.get(keyOf(appId, id)) ?? own])
    return [...buckets].map((bucket) => ({ bucket, holder, digest, at }))
  })
  send(statements.insertErased, lines)
}
