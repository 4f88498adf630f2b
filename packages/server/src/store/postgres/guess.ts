import type { EpochMs } from '@damson/core'
import { keyOf } from '../shelves.ts'
import { loadGuesses } from './guess-load.ts'
import { guessedAnswer, guessedWrite, type Written } from './guessed-write.ts'
import { inKeyOrder } from './keys.ts'
import { linesOf, type RowLines } from './lines.ts'
import { keyOfRow, ownedBy, postHot, rowsOf, sendHot } from './load.ts'
import type { RememberedRows } from './remembered.ts'
import type { Transaction } from './session.ts'
import type { Task } from './task.ts'
import { decideAll, type End, keysOf, type Player } from './turns.ts'
import { createWork } from './work.ts'
import { appendRows, insertRows, rowOf, type Send } from './write.ts'

/**
 * Plays turns that are about one row each without locking anything: on rows as they are remembered, or were read just now.
 * Each is written on condition that it still has the version that was decided on; turns on those that have not come again.
 */
export async function playGuessing(player: Player, tasks: readonly Task[]): Promise<readonly End[]> {
  const { remembered, clock, digits } = player
  const keys = keysOf(player, tasks)
  const secrets = player.secrets()
  const work = createWork(secrets)
  try {
    await loadGuesses(player, tasks, keys, work)
    const ends = decideAll(player, work, tasks, false, keys)
    for (const [pid, draft] of work.group.drafts) rowOf(work, pid, draft)
    const lines = linesOf(work, { now: clock.now(), digits })
    if (lines.length === 0) return ends
    lines.sort(inOrder)
    const missed = learn(remembered, lines, await send(player, lines, secrets.horizon))
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

async function send(player: Player, lines: readonly RowLines[], horizon: EpochMs): Promise<Written> {
  const { sessions, statements, isNarrow } = player
  const guessed = lines.filter(({ row }) => row.isThere)
  if (guessed.length === lines.length && !isNarrow)
    return guessedAnswer(await sessions.once(guessedWrite(guessed, horizon)), guessed)
  const added = lines.filter(({ row }) => !row.isThere)
  const answer = await sessions.within(async (transaction) => {
    const post: Send = (statement, rows) => postHot(transaction, isNarrow, statement, rows)
    const written = isNarrow
      ? await sendNarrow(transaction, player, guessed, post)
      : sendWide(transaction, guessed, horizon)
    insertRows(post, statements, added)
    appendRows(post, statements, added)
    return written
  })
  return answer()
}

const NOBODY: Written = { lines: [], version: '' }

/** @returns what became of it, to be asked once it is committed */
function sendWide(transaction: Transaction, lines: readonly RowLines[], horizon: EpochMs): () => Promise<Written> {
  if (lines.length === 0) return () => Promise.resolve(NOBODY)
  const answer = transaction.run(guessedWrite(lines, horizon))
  return async () => guessedAnswer(await answer, lines)
}

/** In one bucket no statement writes to two tables, so it has to be known first which profiles are written. */
async function sendNarrow(
  transaction: Transaction,
  { statements }: Player,
  lines: readonly RowLines[],
  post: Send,
): Promise<() => Promise<Written>> {
  const rows = lines.map(({ key, profile, row: { guess } }) => {
    const { doc, wake_at, tail } = profile
    return ownedBy(key, { doc, wake_at, tail, version: guess?.version, tail_before: guess?.tail })
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
