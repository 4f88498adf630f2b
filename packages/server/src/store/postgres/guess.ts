import { keyOf, type Seen } from '../shelves.ts'
import { guessedAnswer, guessedWrite, type Written } from './guessed-write.ts'
import { inKeyOrder } from './keys.ts'
import { linesOf, type RowLines } from './lines.ts'
import {
  type Ask,
  keyOfRow,
  loadedRow,
  type Need,
  postHot,
  profileKey,
  readErased,
  readSeen,
  rowsOf,
  seenIn,
  sendHot,
} from './load.ts'
import type { RememberedRow, RememberedRows } from './remembered.ts'
import type { Sessions, Transaction } from './session.ts'
import type { Task } from './task.ts'
import { decideAll, type End, keysOf, needOf, type Player } from './turns.ts'
import { createWork, type Work } from './work.ts'
import { appendRows, insertRows, rowOf, type Send, type Writer } from './write.ts'

/**
 * Plays turns that are about one row each without locking anything: on rows as they are remembered, or were read just now.
 * Each is written on condition that it still has the version that was decided on; turns on those that have not come again.
 */
export async function playGuessing(player: Player, tasks: readonly Task[]): Promise<readonly End[]> {
  const { sessions, remembered, clock } = player
  const keys = keysOf(player, tasks)
  const work = createWork(player.secrets())
  try {
    await load(player, tasks, keys, work)
    const ends = decideAll(player, work, tasks, false, keys)
    for (const [pid, draft] of work.group.drafts) rowOf(work, pid, draft)
    const writer = { ...player, now: clock.now() }
    const lines = linesOf(work, writer)
    if (lines.length === 0) return ends
    lines.sort(inOrder)
    const missed = learn(remembered, lines, await send(sessions, writer, lines))
    return ends.map((end, index) => (missed.has(keys[index] ?? '') ? missing(tasks[index], end) : end))
  } catch (error) {
    // Whatever it was, what is remembered may be why.
    for (const key of keys) remembered.forget(key)
    throw error
  }
}

/** The one order in which rows are locked. */
function inOrder({ key: one }: RowLines, { key: two }: RowLines): number {
  return inKeyOrder(
    { bucket: one.bucket, appId: one.app_id, id: one.user_id },
    { bucket: two.bucket, appId: two.app_id, id: two.user_id },
  )
}

function missing(task: Task | undefined, end: End): End {
  if (task !== undefined && end.type !== 'again') task.misses += 1
  return { type: 'again' }
}

/** Puts into `work` what is remembered well enough, and the rest as it is now. */
async function load(player: Player, tasks: readonly Task[], keys: readonly string[], work: Work): Promise<void> {
  const { remembered } = player
  const need = needOf(player, tasks, null)
  const isWorthIt = remembered.isWorthIt()
  const unsure = new Set(keys.filter((_, index) => tasks[index]?.isUnsure === true))
  const known = new Map<string, RememberedRow>()
  const wanted = new Set<string>()
  for (const key of need.profiles.keys()) {
    const row = remembered.get(key)
    if (row !== undefined) known.set(key, row)
    if (row === undefined || !isWorthIt || unsure.has(key)) wanted.add(key)
  }
  const isReading = wanted.size > 0 || need.seen.size > 0
  const now = isReading ? await read(player, need, wanted, known) : NOTHING
  for (const [key, { appId, id }] of need.profiles) {
    const isRemembered = !wanted.has(key)
    const row = isRemembered ? known.get(key) : now.rows.get(key)
    if (row === undefined) {
      work.install(appId, id, null)
      continue
    }
    const { version, tail } = row
    work.install(appId, id, { ...row, seen: seenIn(now.seen, need, key) }, { version, tail, isRemembered })
  }
  for (const [digest, at] of now.erased) work.target.erased.set(digest, at)
  if (wanted.size > 0) player.owners.learn(work)
}

interface Found {
  readonly rows: ReadonlyMap<string, RememberedRow>
  readonly seen: ReadonlyMap<string, Seen>
  readonly erased: readonly (readonly [string, number])[]
}

const NOTHING: Found = { rows: new Map(), seen: new Map(), erased: [] }

/** Reads, without a lock, rows that are wanted, and the message ids asked for of all. */
function read(
  player: Player,
  need: Need,
  wanted: ReadonlySet<string>,
  known: ReadonlyMap<string, RememberedRow>,
): Promise<Found> {
  const { sessions, statements, isNarrow, remembered } = player
  const lines = [...need.profiles].flatMap(([key, at]) => {
    if (!wanted.has(key)) return []
    const guess = known.get(key)
    return [{ ...profileKey(at), version: guess?.version, tail_before: guess?.tail }]
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
        const fresh = { ...loadedRow(row, null), version: String(row.version) }
        rows.set(key, fresh)
        remembered.set(key, fresh, typeof row.doc === 'string' ? row.doc.length : 0)
      }
    }
    return { rows, seen, erased }
  })
}

async function send(sessions: Sessions, writer: Writer, lines: readonly RowLines[]): Promise<Written> {
  const { statements, isNarrow } = writer
  const guessed = lines.filter(({ row }) => row.isThere)
  if (guessed.length === lines.length && !isNarrow)
    return guessedAnswer(await sessions.once(guessedWrite(guessed)), guessed)
  const added = lines.filter(({ row }) => !row.isThere)
  const answer = await sessions.within(async (transaction) => {
    const post: Send = (statement, rows) => postHot(transaction, isNarrow, statement, rows)
    const written = isNarrow ? await sendNarrow(transaction, writer, guessed, post) : sendWide(transaction, guessed)
    insertRows(post, statements, added)
    appendRows(post, statements, added)
    return written
  })
  return answer()
}

const NOBODY: Written = { lines: [], version: '' }

/** @returns what became of it, to be asked once it is committed */
function sendWide(transaction: Transaction, lines: readonly RowLines[]): () => Promise<Written> {
  if (lines.length === 0) return () => Promise.resolve(NOBODY)
  const answer = transaction.run(guessedWrite(lines))
  return async () => guessedAnswer(await answer, lines)
}

/** In one bucket no statement writes to two tables, so it has to be known first which profiles are written. */
async function sendNarrow(
  transaction: Transaction,
  { statements }: Writer,
  lines: readonly RowLines[],
  post: Send,
): Promise<() => Promise<Written>> {
  const rows = lines.map(({ key, profile, row: { guess } }) => {
    return { ...key, ...profile, version: guess?.version, tail_before: guess?.tail }
  })
  const found = await rowsOf(sendHot(transaction, true, statements.updateGuessed, rows))
  const versions = new Map(found.map((row) => [keyOfRow(row), String(row.version)]))
  const written = lines.filter(({ row }) => versions.has(keyOf(row.held.appId, row.userId)))
  appendRows(post, statements, written)
  const [version = ''] = versions.values()
  return () => Promise.resolve({ lines: written, version })
}

/** Remembers what was written. @returns the keys of the rows that were not, because they have another version */
function learn(remembered: RememberedRows, lines: readonly RowLines[], written: Written): ReadonlySet<string> {
  const { version } = written
  for (const { row, profile } of written.lines) {
    const { held, devices, tail, guess } = row
    if (guess?.isRemembered) remembered.note(true)
    const news = { profile: held.profile, wakeAt: held.wakeAt, tail, devices, version }
    remembered.set(keyOf(held.appId, row.userId), news, profile.doc?.length ?? 0)
  }
  const missed = new Set<string>()
  if (written.lines.length === lines.length) return missed
  const done = new Set(written.lines)
  for (const line of lines) {
    // Of a profile that is new nobody asked for its version.
    if (done.has(line) || !line.row.isThere) continue
    const key = keyOf(line.row.held.appId, line.row.userId)
    missed.add(key)
    remembered.forget(key)
    if (line.row.guess?.isRemembered) remembered.note(false)
  }
  return missed
}
