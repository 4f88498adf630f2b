import { DAY_MS, type EpochMs } from '@damson/core'
import { failureOf } from './failures.ts'
import type { Sessions } from './session.ts'

/** Days for which there is a partition before they begin: a maintenance that fails has so long to be mended. */
const DAYS_AHEAD = 3
/** Everybody else waits behind a change of a table: rather try again at the next maintenance. */
const WAIT_LITTLE = `SET LOCAL lock_timeout = '500ms'`
const LOCK_NOT_AVAILABLE = '55P03'
/** How often it is tried while somebody holds what it needs: most likely another node that makes the same. */
const TRIES_MAX = 3

/**
 * Makes the partitions of the next days, and drops those whose day is over for so long that nobody may ask for it. What has
 * no partition of its own (clocks of tests, dates of long ago) lies in the default one and is not dropped here.
 * @param keepFrom by table, the first day that is kept; absent: all are
 */
export async function maintainPartitions(
  sessions: Sessions,
  now: EpochMs,
  keepFrom: { readonly entries?: number; readonly seen: number },
): Promise<void> {
  const today = Math.floor(now / DAY_MS)
  for (const table of ['entries', 'seen'] as const) {
    const there = await partitionsOf(sessions, table)
    for (let day = today - 1; day <= today + DAYS_AHEAD; day += 1)
      if (!there.has(day)) await addPartition(sessions, table, day).catch(unlessLater(day > today))
    const first = keepFrom[table]
    for (const day of there) if (first !== undefined && day < first) await dropPartition(sessions, table, day)
  }
}

async function partitionsOf(sessions: Sessions, table: string): Promise<Set<number>> {
  const { rows } = await sessions.within(({ run }) =>
    run({
      text: `SELECT child.relname AS name FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
             WHERE inhparent = to_regclass('${table}')`,
    }),
  )
  const days = rows.map(({ name }) => /_(\d+)$/.exec(String(name))?.[1])
  return new Set(days.flatMap((day) => (day === undefined ? [] : [Number(day)])))
}

/**
 * Attached rather than made as a part: that lets others read and write the table meanwhile. Left to the next maintenance if
 * somebody stays in the way: until then rows of that day go to the default partition.
 */
async function addPartition(sessions: Sessions, table: string, day: number): Promise<void> {
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) if (await tryAdding(sessions, table, day)) return
}

/** A day that has not begun can wait for the next maintenance: that a node of Citus is away keeps no server from starting. */
function unlessLater(isLater: boolean): (error: unknown) => void {
  return (error) => {
    if (!isLater || failureOf(error) !== 'again') throw error
  }
}

/** @returns false: somebody else held what it needs */
async function tryAdding(sessions: Sessions, table: string, day: number): Promise<boolean> {
  const name = `${table}_${day}`
  try {
    await inOne(sessions, [
      `CREATE TABLE ${name} (LIKE ${table} INCLUDING ALL)`,
      `ALTER TABLE ${table} ATTACH PARTITION ${name} FOR VALUES FROM (${day}) TO (${day + 1})`,
    ])
    return true
  } catch (error) {
    if (isOneOf(error, [LOCK_NOT_AVAILABLE])) return false
    // Another node was first; or rows of that day are in the default partition, and stay there.
    if (isOneOf(error, ['42P07', '42710', '42P17', '23505', '23514'])) return true
    throw error
  }
}

async function dropPartition(sessions: Sessions, table: string, day: number): Promise<void> {
  await inOne(sessions, [`DROP TABLE ${table}_${day}`]).catch((error: unknown) => {
    // Somebody else did it, or reads it now, or a node is away: the next maintenance tries again.
    if (!isOneOf(error, ['42P01', LOCK_NOT_AVAILABLE]) && failureOf(error) !== 'again') throw error
  })
}

/** Each by itself: of a text with several, Citus hands on all to its nodes for the one that it carries out there. */
async function inOne(sessions: Sessions, changes: readonly string[]): Promise<void> {
  await sessions.within(({ run }) => Promise.all([WAIT_LITTLE, ...changes].map((text) => run({ text }))))
}

function isOneOf(error: unknown, codes: readonly string[]): boolean {
  return codes.includes(String((error as { code?: unknown } | null)?.code))
}
