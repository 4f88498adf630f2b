import { DAY_MS, type EpochMs } from '@damson/core'
import type { RowLines } from './lines.ts'
import type { PostgresResult, PostgresStatement } from './pool.ts'
import { IS_VERSION, NEWS, PROFILE_KEY, VERSION } from './statements.ts'

const OWNER = 'bucket, app_id, user_id'

const ENTRIES = `INSERT INTO entries (${OWNER}, id, day, data)
  SELECT ${OWNER}, id, day, data FROM written WHERE id IS NOT NULL`

const SEEN = `INSERT INTO seen (${OWNER}, digest, day, at, answer)
  SELECT ${OWNER}, s.digest, s.day, s.at, s.answer
  FROM written, json_to_recordset(written.seen) AS s (digest text, day int, at bigint, answer text)
  ON CONFLICT (bucket, app_id, user_id, digest, day) DO UPDATE SET at = excluded.at, answer = excluded.answer`

const DELIVERIES = `INSERT INTO deliveries (${OWNER}, id, kind, due_at, attempt, data)
  SELECT ${OWNER}, d.id, d.kind, d.due_at, 0, d.data
  FROM written, json_to_recordset(written.deliveries) AS d (id text, kind text, due_at bigint, data text)`

/**
 * One statement for all that a group writes, over any buckets: each profile on condition of the version it was decided on,
 * and that the message ids it took for new are; what hangs on it only if it was written. Answers how many were, which ones unless
 * it is all, and their version now.
 */
export function guessedWrite(lines: readonly RowLines[], horizon: EpochMs): PostgresStatement {
  const hasSeen = lines.some(({ row, seen }) => seen.length > 0 || Boolean(row.guess?.hopes))
  const hasDeliveries = lines.some(({ deliveries }) => deliveries.length > 0)
  const rows = lines.map(({ key, row, profile, entry, seen, deliveries }, no) => ({
    no,
    bucket: key.bucket,
    app_id: key.app_id,
    user_id: key.user_id,
    version: row.guess?.version,
    tail_before: row.guess?.tail,
    doc: profile.doc,
    wake_at: profile.wake_at,
    tail: profile.tail,
    id: entry?.id,
    day: entry?.day,
    data: entry?.data,
    seen: seen.length > 0 ? seen : undefined,
    deliveries: deliveries.length > 0 ? deliveries : undefined,
  }))
  const hopes = hasSeen ? [Math.floor(horizon / DAY_MS), ...hopedRows(lines).map((list) => JSON.stringify(list))] : []
  const { name, text } = TEXTS[hasSeen ? 1 : 0][hasDeliveries ? 1 : 0]
  return { name, text, values: [JSON.stringify(rows), lines.length, ...hopes] }
}

/** What would have to be there if a message id were not new: among those seen, and among those erased. */
function hopedRows(lines: readonly RowLines[]): readonly [object[], object[]] {
  const unseen: object[] = []
  const unerased: object[] = []
  for (const [no, { key, row }] of lines.entries()) {
    const hopes = row.guess?.hopes
    if (!hopes) continue
    const { bucket, app_id, user_id } = key
    for (const digest of hopes.unseen) unseen.push({ no, bucket, app_id, user_id, digest })
    for (const { holder, digest } of hopes.unerased) unerased.push({ no, bucket, holder, digest })
  }
  return [unseen, unerased]
}

/** What became of a group's profiles. */
export interface Written {
  /** Those that were written. */
  readonly lines: readonly RowLines[]
  /** Which version they have now, all of them. */
  readonly version: string
}

export function guessedAnswer({ rows }: PostgresResult, lines: readonly RowLines[]): Written {
  const [answer] = rows
  if (answer === undefined) throw new Error('Expected to be told which profiles were written.')
  const which = answer.written as readonly number[] | null
  const isAll = Number(answer.count) === lines.length
  const written = isAll ? lines : (which ?? []).flatMap((no) => lines[no] ?? [])
  return { lines: written, version: String(answer.version) }
}

function textOf(name: string, more: string, condition = ''): { readonly name: string; readonly text: string } {
  return {
    name: `damson_guessed${name}`,
    text: `WITH written AS (
  UPDATE profiles AS p SET ${NEWS}
  FROM json_to_recordset($1::json) AS given (no int, ${PROFILE_KEY}, ${VERSION}, doc text, wake_at bigint, tail bigint,
    id uuid, day int, data text, seen json, deliveries json)
  WHERE p.bucket = given.bucket AND p.app_id = given.app_id AND p.user_id = given.user_id AND ${IS_VERSION}${condition}
  RETURNING given.no, given.bucket, given.app_id, given.user_id, given.id, given.day, given.data, given.seen, given.deliveries
), history AS (${ENTRIES})${more}
SELECT count(*)::int AS count, CASE WHEN count(*) < $2::int THEN array_agg(no) END AS written,
  (txid_current() & 4294967295)::text AS version FROM written`,
  }
}

const WITH_SEEN = `, told AS (${SEEN})`
const WITH_DELIVERIES = `, planned AS (${DELIVERIES})`
/** In no other transaction than one that writes the profile does one of its ids become known: so they are looked up by this one. */
const ARE_NEW = ` AND given.no NOT IN (
    SELECT hoped.no FROM json_to_recordset($4::json) AS hoped (no int, ${PROFILE_KEY}, digest text)
    JOIN seen s ON s.bucket = hoped.bucket AND s.app_id = hoped.app_id AND s.user_id = hoped.user_id
      AND s.digest = hoped.digest AND s.day >= $3::int
    UNION ALL
    SELECT hoped.no FROM json_to_recordset($5::json) AS hoped (no int, bucket int, holder text, digest text)
    JOIN erased e ON e.bucket = hoped.bucket AND e.holder = hoped.holder AND e.digest = hoped.digest)`
const TEXTS = [
  [textOf('', ''), textOf('_deliveries', WITH_DELIVERIES)],
  [textOf('_seen', WITH_SEEN, ARE_NEW), textOf('_seen_deliveries', WITH_SEEN + WITH_DELIVERIES, ARE_NEW)],
] as const
