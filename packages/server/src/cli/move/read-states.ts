import type { DeliveryLine, ProfileState, SeenLine } from '../../store/moving.ts'
import { decodeId, encodeId, keyAt } from '../../store/postgres/keys.ts'
import { deviceKey, type Line, profileKey, rowsOf, sendHot } from '../../store/postgres/load.ts'
import type { Transaction } from '../../store/postgres/session.ts'
import type { Copied } from './write-states.ts'

type Row = Readonly<Record<string, unknown>>

/** What the target has of profiles, by pid, as the folder would tell it: of devices, those that lead back to the user. */
export async function readStates(
  transaction: Transaction,
  isNarrow: boolean,
  copied: ReadonlyMap<number, Copied>,
): Promise<ReadonlyMap<number, ProfileState>> {
  const lines = [...copied.values()].map(({ pid, appId, userId }) => ({ ...profileKey(keyAt(appId, userId)), pid }))
  const read = async (table: string, key: 'user_id' | 'device_id', columns: string, given: readonly Line[]) => {
    const bucket = isNarrow ? 't.bucket = $2' : 't.bucket = given.bucket'
    const text = `SELECT given.pid, ${columns}
      FROM json_to_recordset($1::json) AS given (pid bigint, bucket int, app_id text, ${key} text)
      JOIN ${table} AS t ON ${bucket} AND t.app_id = given.app_id AND t.${key} = given.${key}`
    const statement = (rows: readonly object[], one: number) => {
      return { text, values: isNarrow ? [JSON.stringify(rows), one] : [JSON.stringify(rows)] }
    }
    return byPid(await rowsOf(sendHot(transaction, isNarrow, statement, given)))
  }
  const [profiles, entries, seen, deliveries] = await Promise.all([
    read('profiles', 'user_id', 't.doc, t.wake_at, t.devices', lines),
    read('entries', 'user_id', 't.id::text, t.data', lines),
    read('seen', 'user_id', 't.day, t.digest, t.at, t.answer', lines),
    read('deliveries', 'user_id', 't.id, t.kind, t.due_at, t.failed_at, t.attempt, t.note, t.data', lines),
  ])
  const listed = lines.flatMap(({ pid, app_id }) =>
    ((profiles.get(pid)?.[0]?.devices ?? []) as readonly string[]).map((id) => ({
      ...deviceKey(decodeId(app_id), decodeId(id)),
      pid,
    })),
  )
  const devices = await read('devices', 'device_id', 't.device_id, t.user_id', listed)
  const states = new Map<number, ProfileState>()
  for (const { pid, appId, userId } of copied.values()) {
    const row = profiles.get(pid)?.[0]
    if (row === undefined) continue
    states.set(pid, {
      pid,
      appId,
      userId,
      doc: row.doc === null ? null : String(row.doc),
      wakeAt: row.wake_at === null ? null : Number(row.wake_at),
      devices: (devices.get(pid) ?? [])
        .filter((one) => one.user_id === encodeId(userId))
        .map((one) => decodeId(String(one.device_id))),
      isWhole: true,
      entries: (entries.get(pid) ?? [])
        .map(({ id, data }) => [String(id), String(data)] as const)
        .sort(([one], [two]) => (one < two ? -1 : 1))
        .map(([, data], index) => [index, data] as const),
      seen: (seen.get(pid) ?? []).map(seenOf),
      deliveries: (deliveries.get(pid) ?? []).map(deliveryOf),
    })
  }
  return states
}

/** One text for what two stores must agree on, whatever they number and in whatever order they give it. */
export function comparable({ appId, userId, doc, wakeAt, ...state }: ProfileState, firstDay: number): string {
  const seen = state.seen
    .filter(({ day }) => day >= firstDay)
    .map(({ day, digest, at, answer }) => [day, digest, at, answer] as const)
    .sort(([day, digest], [otherDay, other]) => day - otherDay || (digest < other ? -1 : 1))
  const deliveries = state.deliveries
    .map(
      ({ id, kind, due_at, failed_at, attempt, note, data }) =>
        [id, kind, due_at, failed_at, attempt, note, data] as const,
    )
    .sort(([one], [two]) => (one < two ? -1 : 1))
  const entries = state.entries.map(([, data]) => data)
  return JSON.stringify([appId, userId, doc, wakeAt, [...state.devices].sort(), entries, seen, deliveries])
}

function byPid(rows: readonly Row[]): ReadonlyMap<number, readonly Row[]> {
  const found = new Map<number, Row[]>()
  for (const row of rows) {
    const pid = Number(row.pid)
    const own = found.get(pid)
    if (own === undefined) found.set(pid, [row])
    else own.push(row)
  }
  return found
}

function seenOf({ day, digest, at, answer }: Row): SeenLine {
  return { day: Number(day), digest: String(digest), at: Number(at), answer: String(answer) }
}

function deliveryOf({ id, kind, due_at, failed_at, attempt, note, data }: Row): DeliveryLine {
  return {
    id: decodeId(String(id)),
    kind: String(kind),
    due_at: Number(due_at),
    failed_at: failed_at === null ? null : Number(failed_at),
    attempt: Number(attempt),
    note: note === null ? null : decodeId(String(note)),
    data: String(data),
  }
}
