import { erasedDigest } from '../apply.ts'
import type { Seen } from '../shelves.ts'
import {
  type Ask,
  keyOfRow,
  loadedRow,
  type Need,
  ownedBy,
  profileKey,
  readErased,
  readSeen,
  rowsOf,
  seenIn,
  sendHot,
} from './load.ts'
import type { RememberedRow } from './remembered.ts'
import type { Task } from './task.ts'
import { needOf, type Player, subjectOf } from './turns.ts'
import { holderOf, type Hopes, type Work } from './work.ts'

/**
 * Puts into `work` the profiles of turns that are about one row each, none of them locked: as they are remembered, where that
 * is good enough, the rest as they are now.
 * @param keys of the profiles the turns are about
 */
export async function loadGuesses(
  player: Player,
  tasks: readonly Task[],
  keys: readonly string[],
  work: Work,
): Promise<void> {
  const { remembered } = player
  const isWorthIt = remembered.isWorthIt()
  const known = new Map<string, RememberedRow>()
  const wanted = new Set<string>()
  for (const [index, task] of tasks.entries()) {
    const key = keys[index] ?? ''
    const row = known.get(key) ?? remembered.get(key)
    if (row !== undefined) known.set(key, row)
    if (row === undefined || !isWorthIt || !mayHope(player, task)) wanted.add(key)
  }
  const isWanted = (_: unknown, index: number) => wanted.has(keys[index] ?? '')
  const isTrusted = (_: unknown, index: number) => !isWanted(_, index)
  // Before anything is waited for: whom a device belongs to may be learned anew meanwhile.
  loadRemembered(player, tasks.filter(isTrusted), keys.filter(isTrusted), known, work)
  if (wanted.size > 0) await loadNow(player, tasks.filter(isWanted), known, work)
}

/**
 * Whether it may be decided on a remembered row. Its message ids are taken for new then, and that they are is a condition of
 * the statement, for which one of a single bucket has no place.
 */
function mayHope({ isNarrow }: Player, { ref, isUnsure, needsAllSeen }: Task): boolean {
  if (isUnsure || needsAllSeen) return false
  return !ref.needsSeen || (ref.seenKeys !== undefined && !isNarrow)
}

function loadRemembered(
  player: Player,
  tasks: readonly Task[],
  keys: readonly string[],
  known: ReadonlyMap<string, RememberedRow>,
  work: Work,
): void {
  const hopes = hopesOf(player, tasks, keys, work)
  for (const [index, { ref }] of tasks.entries()) {
    const key = keys[index] ?? ''
    if (work.rowAt(key) !== undefined) continue
    const row = known.get(key)
    if (row === undefined) throw new Error('Expected a profile that is not read to be remembered.')
    const { version, tail } = row
    const own = hopes.get(key) ?? null
    const seen: Seen | null = own === null ? null : new Map()
    work.install(ref.appId, subjectOf(player, ref), row, seen, { version, tail, isRemembered: true, hopes: own })
  }
}

/** By the key of the profile. */
function hopesOf(
  { salt }: Player,
  tasks: readonly Task[],
  keys: readonly string[],
  { digest }: Work,
): ReadonlyMap<string, Hopes> {
  const hopes = new Map<string, Hopes>()
  for (const [index, { ref }] of tasks.entries()) {
    const { appId, userId, deviceId, seenKeys = [] } = ref
    if (seenKeys.length === 0) continue
    const key = keys[index] ?? ''
    const own = hopes.get(key) ?? { unseen: [], unerased: [] }
    hopes.set(key, own)
    const unseen = seenKeys.map((seenKey) => digest(appId, seenKey))
    own.unseen.push(...unseen)
    for (const id of [userId, deviceId]) {
      if (!id) continue
      const holder = holderOf(salt, appId, id)
      for (const seen of unseen) own.unerased.push({ holder, digest: erasedDigest(digest, appId, id, seen) })
    }
  }
  return hopes
}

async function loadNow(
  player: Player,
  tasks: readonly Task[],
  known: ReadonlyMap<string, RememberedRow>,
  work: Work,
): Promise<void> {
  const need = needOf(player, tasks, null)
  const now = await read(player, need, known)
  for (const [key, { appId, id }] of need.profiles) {
    const row = now.rows.get(key)
    if (row === undefined) {
      work.install(appId, id, null, null)
      continue
    }
    const { version, tail } = row
    const seen = seenIn(now.seen, need, key)
    work.install(appId, id, row, seen, { version, tail, isRemembered: false, hopes: null })
  }
  for (const [digest, at] of now.erased) work.target.erased.set(digest, at)
  player.owners.learn(work)
}

interface Found {
  readonly rows: ReadonlyMap<string, RememberedRow>
  readonly seen: ReadonlyMap<string, Seen>
  readonly erased: readonly (readonly [string, number])[]
}

/** Reads profiles without a lock, and the message ids asked for of them. */
function read(player: Player, need: Need, known: ReadonlyMap<string, RememberedRow>): Promise<Found> {
  const { sessions, statements, isNarrow, remembered } = player
  const lines = [...need.profiles].map(([key, at]) => {
    const guess = known.get(key)
    return ownedBy(profileKey(at), { version: guess?.version, tail_before: guess?.tail })
  })
  return sessions.reading(async (transaction) => {
    const ask: Ask = (statement, rows) => rowsOf(sendHot(transaction, isNarrow, statement, rows))
    // Message ids behind their profiles: those that came with a version are there when it is.
    const [found, seen, erased] = await Promise.all([
      ask(statements.readProfiles, lines),
      readSeen(ask, player, need),
      readErased(ask, player, need),
    ])
    const rows = new Map<string, RememberedRow>()
    for (const row of found) {
      const key = keyOfRow(row)
      const guess = known.get(key)
      if (guess !== undefined) remembered.note(row.is_known === true)
      if (guess !== undefined && row.is_known === true) rows.set(key, guess)
      else {
        const { profile, wakeAt, tail, devices } = loadedRow(row)
        const fresh = { profile, wakeAt, tail, devices, version: String(row.version) }
        rows.set(key, fresh)
        remembered.set(key, fresh, typeof row.doc === 'string' ? row.doc.length : 0)
      }
    }
    return { rows, seen, erased }
  })
}
