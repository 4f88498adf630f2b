import type { Clock } from '@damson/core'
import { entriesOf } from '../../engine/entries-text.ts'
import type { ProfileState } from '../../store/moving.ts'
import { dayOf, DIGITS_PER_ID, entryId, nextTail } from '../../store/postgres/entry-ids.ts'
import { decodeId, encodeId, keyAt } from '../../store/postgres/keys.ts'
import { deviceKey, type Line, postHot, profileKey } from '../../store/postgres/load.ts'
import { pooledDigits } from '../../store/postgres/random.ts'
import type { Transaction } from '../../store/postgres/session.ts'
import type { Hot, Statements } from '../../store/postgres/statements.ts'

const digits = pooledDigits(DIGITS_PER_ID)

/** What the target has of a profile. */
export interface Copied {
  readonly pid: number
  readonly appId: string
  readonly userId: string
  /** The greatest id of its entries in the folder. */
  readonly entry: number
  /** The time of the last of them in the target, as ids of entries have it. */
  readonly tail: number
  readonly devices: readonly string[]
}

export interface StatesWriter {
  readonly isNarrow: boolean
  readonly statements: Statements
  readonly clock: Clock
}

/** A profile with what is added to its history. */
interface Grown {
  readonly state: ProfileState
  readonly key: ReturnType<typeof profileKey>
  readonly entries: readonly Line[]
  readonly copied: Copied
}

const PROFILE_KEY = 'bucket int, app_id text, user_id text'

export function copiedOf(row: Readonly<Record<string, unknown>>): Copied {
  return {
    pid: Number(row.pid),
    appId: decodeId(String(row.app_id)),
    userId: decodeId(String(row.user_id)),
    entry: Number(row.entry),
    tail: Number(row.tail),
    devices: (row.devices as readonly string[]).map(decodeId),
  }
}

/**
 * Puts profiles in the place of what the target had of them. Whoever has one of their names or devices there has given it
 * away in the folder, so that was noted and comes as well, sooner or later.
 * @param states by pid, `null` for those who are gone
 */
export async function writeStates(
  transaction: Transaction,
  { isNarrow, statements, clock }: StatesWriter,
  states: ReadonlyMap<number, ProfileState | null>,
): Promise<void> {
  if (states.size === 0) return
  const present = [...states.values()].filter((state) => state !== null)
  const old = await forget(transaction, [...states.keys()], present)
  const kept = new Map(old.filter(({ pid }) => states.get(pid)?.isWhole === false).map((row) => [row.pid, row]))
  const grown = present.map((state) => grownBy(state, kept.get(state.pid), clock.now()))
  const send = (statement: Hot, lines: readonly Line[]) => postHot(transaction, isNarrow, statement, lines)
  const keys = old.map(({ appId, userId }) => profileKey(keyAt(appId, userId)))
  const gone = old.filter(({ pid }) => !kept.has(pid)).map(({ appId, userId }) => profileKey(keyAt(appId, userId)))
  send(statements.deleteProfiles, keys)
  send(removal('deliveries', isNarrow), keys)
  send(removal('entries', isNarrow), gone)
  send(removal('seen', isNarrow), gone)
  send(
    leaving(isNarrow),
    old.flatMap(({ appId, userId, devices }) =>
      devices.map((id) => ({ ...deviceKey(appId, id), user_id: encodeId(userId) })),
    ),
  )
  insert(send, statements, isNarrow, grown)
  const rows = grown.map(({ key: { app_id, user_id }, copied: { pid, entry, tail, devices } }) => {
    return { pid, app_id, user_id, entry, tail, devices: devices.map(encodeId) }
  })
  await transaction.run({
    text: `INSERT INTO moving SELECT given.pid, given.app_id, given.user_id, given.entry, given.tail, given.devices
           FROM json_to_recordset($1::json)
             AS given (pid bigint, app_id text, user_id text, entry bigint, tail bigint, devices text[])`,
    values: [JSON.stringify(rows)],
  })
}

/** Takes out what is known of these profiles, and of those who have their names. */
async function forget(
  { run }: Transaction,
  pids: readonly number[],
  present: readonly ProfileState[],
): Promise<readonly Copied[]> {
  const names = present.map(({ appId, userId }) => ({ app_id: encodeId(appId), user_id: encodeId(userId) }))
  const returned = 'RETURNING t.pid, t.app_id, t.user_id, t.entry, t.tail, t.devices'
  const found = await Promise.all([
    run({ text: `DELETE FROM moving AS t WHERE t.pid = ANY($1) ${returned}`, values: [pids] }),
    run({
      text: `DELETE FROM moving AS t USING json_to_recordset($1::json) AS given (app_id text, user_id text)
             WHERE t.app_id = given.app_id AND t.user_id = given.user_id ${returned}`,
      values: [JSON.stringify(names)],
    }),
  ])
  return found.flatMap(({ rows }) => rows.map(copiedOf))
}

function grownBy(state: ProfileState, known: Copied | undefined, now: number): Grown {
  const { pid, appId, userId, devices } = state
  if (!state.isWhole && known === undefined) throw new Error('Expected the target to have the older part of a profile.')
  const key = profileKey(keyAt(appId, userId))
  let tail = known?.tail ?? 0
  const entries = state.entries.map(([, data]) => {
    // History is as old as it says, but never in another order than it was written.
    tail = nextTail(tail, Math.max(0, Math.min(...entriesOf(data).map(({ at }) => at), now)))
    return { ...key, id: entryId(tail, digits()), day: dayOf(tail), data }
  })
  const entry = state.entries.at(-1)?.[0] ?? known?.entry ?? 0
  return { state, key, entries, copied: { pid, appId, userId, entry, tail, devices } }
}

function insert(
  send: (statement: Hot, lines: readonly Line[]) => void,
  statements: Statements,
  isNarrow: boolean,
  grown: readonly Grown[],
): void {
  const devices = grown.flatMap(({ key, state }) =>
    state.devices.map((id) => ({ ...deviceKey(state.appId, id), user_id: key.user_id })),
  )
  const deliveries = grown.flatMap(({ key, state }) =>
    state.deliveries.map(({ id, note, ...row }) => {
      return { ...key, ...row, id: encodeId(id), note: note === null ? null : encodeId(note) }
    }),
  )
  send(
    statements.insertProfiles,
    grown.map(({ key, state: { doc, wakeAt }, copied: { tail, devices: own } }) => {
      return { ...key, doc, wake_at: wakeAt, look_at: wakeAt, tail, devices: own.map(encodeId) }
    }),
  )
  send(
    statements.insertEntries,
    grown.flatMap(({ entries }) => entries),
  )
  send(
    statements.insertSeen,
    grown.flatMap(({ key, state }) => state.seen.map((line) => ({ ...key, ...line }))),
  )
  send(statements.deleteDevices, devices)
  send(statements.insertDevices, devices)
  send(byId(isNarrow), deliveries)
  send(statements.insertDeliveries, deliveries)
}

/** A statement in the manner of the hot ones: it names its bucket, or takes that from each row. */
function hot(isNarrow: boolean, textOf: (bucket: string) => string): Hot {
  const text = textOf(isNarrow ? 't.bucket = $2' : 't.bucket = given.bucket')
  return (rows, bucket) => ({ text, values: isNarrow ? [JSON.stringify(rows), bucket] : [JSON.stringify(rows)] })
}

/** All that a table has of these users. */
function removal(table: 'deliveries' | 'entries' | 'seen', isNarrow: boolean): Hot {
  return hot(
    isNarrow,
    (bucket) => `DELETE FROM ${table} AS t USING json_to_recordset($1::json) AS given (${PROFILE_KEY})
                 WHERE ${bucket} AND t.app_id = given.app_id AND t.user_id = given.user_id`,
  )
}

/** Deliveries move with their users, under the same id. */
function byId(isNarrow: boolean): Hot {
  return hot(
    isNarrow,
    (bucket) => `DELETE FROM deliveries AS t USING json_to_recordset($1::json) AS given (bucket int, id text)
                 WHERE ${bucket} AND t.id = given.id`,
  )
}

/** Devices that lead to these users still. */
function leaving(isNarrow: boolean): Hot {
  return hot(
    isNarrow,
    (bucket) => `DELETE FROM devices AS t
                 USING json_to_recordset($1::json) AS given (bucket int, app_id text, device_id text, user_id text)
                 WHERE ${bucket} AND t.app_id = given.app_id AND t.device_id = given.device_id
                   AND t.user_id = given.user_id`,
  )
}
