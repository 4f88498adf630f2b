import { type Key } from './keys.ts'
import { profileKey, postHot } from './load.ts'
import type { PostgresResult } from './pool.ts'
import type { Transaction } from './session.ts'
import type { Statements } from './statements.ts'

const ENTRIES_AT_ONCE = 2_000

/** All that lies under one key besides the profile itself. */
const TABLES = ['entries', 'seen', 'deliveries'] as const
const OF_KEY = 'WHERE bucket = $1 AND app_id = $2 AND user_id = $3'

/** Leaves nothing of a profile's history, message ids and deliveries. */
export function eraseHistory({ run }: Transaction, key: Key): void {
  for (const table of TABLES) void run({ text: `DELETE FROM ${table} ${OF_KEY}`, values: valuesOf(key) })
}

/**
 * Gives history, message ids and deliveries to another key. Rows are read and written anew: in Citus a row cannot change
 * its bucket.
 */
export async function moveHistory(
  transaction: Transaction,
  { statements, isNarrow }: { readonly statements: Statements; readonly isNarrow: boolean },
  from: Key,
  to: Key,
): Promise<void> {
  const { run } = transaction
  const target = profileKey(to)
  for (let after: unknown = null; ;) {
    const { rows }: PostgresResult = await run({
      text: `SELECT id, day, data FROM entries ${OF_KEY} AND ($4::uuid IS NULL OR id > $4) ORDER BY id LIMIT ${ENTRIES_AT_ONCE}`,
      values: [...valuesOf(from), after],
    })
    const last = rows.at(-1)
    if (last === undefined) break
    postHot(
      transaction,
      isNarrow,
      statements.insertEntries,
      rows.map(({ id, day, data }) => ({ ...target, id, day, data })),
    )
    after = last.id
  }
  const [seen, deliveries] = await Promise.all([
    run({ text: `SELECT digest, day, at, answer FROM seen ${OF_KEY}`, values: valuesOf(from) }),
    run({
      text: `SELECT id, kind, due_at, failed_at, attempt, note, data FROM deliveries ${OF_KEY}`,
      values: valuesOf(from),
    }),
  ])
  eraseHistory(transaction, from)
  postHot(
    transaction,
    isNarrow,
    statements.insertSeen,
    seen.rows.map((row) => ({ ...target, ...row })),
  )
  postHot(
    transaction,
    isNarrow,
    statements.insertDeliveries,
    deliveries.rows.map((row) => ({ ...target, ...row })),
  )
}

function valuesOf(key: Key): unknown[] {
  const { bucket, app_id: appId, user_id: userId } = profileKey(key)
  return [bucket, appId, userId]
}
