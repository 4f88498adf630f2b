import type { EpochMs } from '@damson/core'
import { profileOf } from '../../engine/profile-text.ts'
import { erasedDigest } from '../apply.ts'
import { keyOf, type Seen, SEEN_MAX } from '../shelves.ts'
import { bucketOf, decodeId, encodeId, inKeyOrder, type Key, keyAt } from './keys.ts'
import type { PostgresResult } from './pool.ts'
import type { Transaction } from './session.ts'
import type { Hot, Statements } from './statements.ts'
import { digestOf, holderOf, type LoadedRow, type Work } from './work.ts'

/** What a group of turns has to know before the first of them is decided. */
export interface Need {
  /** Profiles to be locked, by app and user id. */
  readonly profiles: Map<string, Key>
  /** Message ids to be known of each profile: those, or all of them. */
  readonly seen: Map<string, ReadonlySet<string> | 'all'>
  /** Erased message ids to be looked for: where, whose, and which. */
  readonly erased: Map<string, ErasedNeed>
}

export interface ErasedNeed {
  readonly bucket: number
  readonly appId: string
  readonly id: string
  readonly keys: Set<string> | 'all'
}

export interface Reader {
  readonly statements: Statements
  readonly isNarrow: boolean
  readonly salt: string
}

/** A row on its way into a statement, by the names of its columns. */
export interface Line {
  readonly bucket: number
  readonly [column: string]: unknown
}

/** Sends one statement for each bucket, in their order, or one for all of them. */
export function sendHot(
  { run }: Transaction,
  isNarrow: boolean,
  statement: Hot,
  rows: readonly Line[],
): Promise<PostgresResult>[] {
  if (rows.length === 0) return []
  if (!isNarrow) return [run(statement(rows, 0))]
  const byBucket = new Map<number, object[]>()
  for (const row of rows) {
    const list = byBucket.get(row.bucket)
    if (list === undefined) byBucket.set(row.bucket, [row])
    else list.push(row)
  }
  const buckets = [...byBucket.keys()].sort((one, two) => one - two)
  return buckets.flatMap((bucket) => {
    const own = byBucket.get(bucket) ?? []
    return (statement.parts?.(own) ?? [own]).map((part) => run(statement(part, bucket)))
  })
}

/** The same, for statements whose answers nobody waits for: the commit says whether they went well. */
export function postHot(transaction: Transaction, isNarrow: boolean, statement: Hot, rows: readonly Line[]): void {
  void Promise.allSettled(sendHot(transaction, isNarrow, statement, rows))
}

export async function rowsOf(results: readonly Promise<PostgresResult>[]): Promise<PostgresResult['rows']> {
  const all = await Promise.all(results)
  return all.length === 1 ? (all[0]?.rows ?? []) : all.flatMap(({ rows }) => rows)
}

/** Locks the profiles and reads, in the same breath, the message ids asked for. */
export async function lockAndLoad(transaction: Transaction, reader: Reader, need: Need, work: Work): Promise<void> {
  const { statements, isNarrow } = reader
  const keys = [...need.profiles.values()].sort(inKeyOrder)
  const ask: Ask = (statement, rows) => rowsOf(sendHot(transaction, isNarrow, statement, rows))
  const locked = ask(statements.lockProfiles, keys.map(profileKey))
  const seen = readSeen(ask, reader, need)
  const [rows, seenOf, erased] = await Promise.all([locked, seen, readErased(ask, reader, need)])
  const found = new Map<string, LoadedRow>()
  for (const row of rows) found.set(keyOfRow(row), loadedRow(row))
  for (const [key, { appId, id }] of need.profiles)
    work.install(appId, id, found.get(key) ?? null, seenIn(seenOf, need, key))
  for (const [digest, at] of erased) work.target.erased.set(digest, at)
}

export type Ask = (statement: Hot, rows: readonly Line[]) => Promise<PostgresResult['rows']>

export async function readSeen(ask: Ask, { statements, salt }: Reader, need: Need): Promise<Map<string, Seen>> {
  const some: Line[] = []
  const every: Line[] = []
  for (const [key, wanted] of need.seen) {
    const profile = need.profiles.get(key)
    if (profile === undefined) continue
    if (wanted === 'all') every.push(profileKey(profile))
    else for (const id of wanted) some.push(ownedBy(profileKey(profile), { digest: digestOf(salt, profile.appId, id) }))
  }
  const [few, all] = await Promise.all([ask(statements.seenSome, some), ask(statements.seenAll, every)])
  const lines = [...few, ...all].map((row) => ({ row, at: Number(row.at) }))
  lines.sort((one, two) => one.at - two.at)
  const found = new Map<string, Seen>()
  for (const { row, at } of lines) {
    const key = keyOfRow(row)
    const seen = found.get(key) ?? new Map<string, { answer: string; at: EpochMs }>()
    found.set(key, seen)
    const digest = String(row.digest)
    seen.delete(digest)
    seen.set(digest, { answer: String(row.answer), at })
    if (seen.size > SEEN_MAX) seen.delete(seen.keys().next().value as string)
  }
  return found
}

export async function readErased(
  ask: Ask,
  { statements, salt }: Reader,
  need: Need,
): Promise<readonly [string, number][]> {
  const some: Line[] = []
  const every: Line[] = []
  const digest = (appId: string, key: string) => digestOf(salt, appId, key)
  for (const { bucket, appId, id, keys } of need.erased.values()) {
    const holder = holderOf(salt, appId, id)
    if (keys === 'all') every.push({ bucket, holder })
    else
      for (const key of keys) some.push({ bucket, holder, digest: erasedDigest(digest, appId, id, digest(appId, key)) })
  }
  const [few, all] = await Promise.all([ask(statements.erasedSome, some), ask(statements.erasedAll, every)])
  return [...few, ...all].map((row) => [String(row.digest), Number(row.at)])
}

/** The key of a row's profile, as `keyOf` makes it. */
export function keyOfRow(row: PostgresResult['rows'][number]): string {
  return keyOf(decodeId(String(row.app_id)), decodeId(String(row.user_id)))
}

/** What is known of the message ids of a profile: `null` if nobody asked. */
export function seenIn(found: ReadonlyMap<string, Seen>, need: Need, key: string): Seen | null {
  return found.get(key) ?? (need.seen.has(key) ? new Map() : null)
}

/** The key of a profile, by the names of its columns. */
export type ProfileKey = { readonly bucket: number; readonly app_id: string; readonly user_id: string }

export function profileKey({ bucket, appId, id }: Key): ProfileKey {
  return { bucket, app_id: encodeId(appId), user_id: encodeId(id) }
}

/**
 * A row that belongs to a profile, by the names of its columns. Not by spreading: what is added behind a spread makes V8 11 give each
 * object a shape of its own, and everything that reads it starts anew.
 */
export function ownedBy<T extends object>({ bucket, app_id, user_id }: ProfileKey, columns: T): ProfileKey & T {
  return Object.assign({ bucket, app_id, user_id }, columns)
}

export function deviceKey(
  appId: string,
  deviceId: string,
): { readonly bucket: number; readonly app_id: string; readonly device_id: string } {
  return { bucket: bucketOf(appId, deviceId), app_id: encodeId(appId), device_id: encodeId(deviceId) }
}

export function need(): Need {
  return { profiles: new Map(), seen: new Map(), erased: new Map() }
}

/** Adds a profile to what is needed, with the message ids it is asked for. */
export function needProfile(need: Need, appId: string, id: string, keys: readonly string[] | 'all' | null): void {
  const key = keyOf(appId, id)
  if (!need.profiles.has(key)) need.profiles.set(key, keyAt(appId, id))
  if (keys === null) return
  const before = need.seen.get(key)
  need.seen.set(key, keys === 'all' || before === 'all' ? 'all' : new Set([...(before ?? []), ...keys]))
}

/** Adds whose erased message ids are needed, out of which bucket. */
export function needErased(
  need: Need,
  bucket: number,
  appId: string,
  id: string,
  keys: readonly string[] | 'all',
): void {
  const key = `${bucket} ${keyOf(appId, id)}`
  const before = need.erased.get(key)?.keys ?? []
  const merged = keys === 'all' || before === 'all' ? 'all' : new Set([...before, ...keys])
  need.erased.set(key, { bucket, appId, id, keys: merged })
}

export function loadedRow(row: Readonly<Record<string, unknown>>): LoadedRow {
  return {
    profile: typeof row.doc === 'string' ? profileOf(row.doc) : null,
    wakeAt: row.wake_at === null ? null : Number(row.wake_at),
    tail: Number(row.tail),
    devices: new Set((row.devices as readonly string[]).map(decodeId)),
  }
}
