import { randomBytes } from 'node:crypto'
import { entriesOf } from '../engine/entries-text.ts'
import { dayOf, entryId, nextTail } from '../store/postgres/entry-ids.ts'
import { encodeId, keyAt } from '../store/postgres/keys.ts'
import { deviceKey, type Line, profileKey, rowsOf, sendHot } from '../store/postgres/load.ts'
import type { PostgresPool } from '../store/postgres/pool.ts'
import { createSessions, type Transaction } from '../store/postgres/session.ts'
import { createStatements, type Hot } from '../store/postgres/statements.ts'
import { COUNTED, type Counts, type Source, type SourceProfile } from './move-source.ts'
import { Problem } from './problem.ts'

/** Where a copy goes: a database whose tables were made, and that has nothing else in them. */
export interface Target {
  /** The last pid that was copied; 0 at first. */
  readonly copied: number
  begin(source: Source): Promise<void>
  /** All of it with the mark of how far we are, or nothing. */
  copy(profiles: readonly SourceProfile[]): Promise<void>
  counts(): Promise<Counts>
  /** From now on servers may use it. */
  end(): Promise<void>
}

/** Under this name `meta` keeps how far a copy is, and of which folder. */
const MARK = 'move'

export async function openTarget(pool: PostgresPool, source: Source): Promise<Target> {
  const sessions = createSessions({ pool, lockTimeoutMs: 10_000, statementTimeoutMs: 300_000 })
  const run = (text: string, values: readonly unknown[] = []) =>
    sessions.within((transaction) => transaction.run({ text, values }))
  const { rows } = await run('SELECT name, value FROM meta').catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== '42P01') throw error
    throw new Problem('there are no tables in the target yet. Run: damson migrate --postgres URL')
  })
  const meta = new Map(rows.map(({ name, value }) => [String(name), String(value)]))
  const isNarrow = meta.has('citus')
  const statements = createStatements(isNarrow ? 'bucket' : 'any', false)
  const [from = null, copied = '0'] = meta.get(MARK)?.split(' ') ?? []
  if (from !== null && from !== source.salt)
    throw new Problem('the target has a part of another folder in it. Use a new database, and damson migrate it.')
  if (from === null) {
    const { rows: found } = await run('SELECT 1 AS found FROM profiles LIMIT 1')
    if (found.length > 0)
      throw new Problem('the target has users already, and two stores cannot be mixed. Use a new database.')
  }

  async function copyInto(transaction: Transaction, profiles: readonly SourceProfile[]): Promise<void> {
    const send = (statement: Hot, lines: readonly Line[]) => rowsOf(sendHot(transaction, isNarrow, statement, lines))
    const linesOf = (each: (profile: SourceProfile, key: ReturnType<typeof profileKey>) => Line[]) =>
      profiles.flatMap((profile) => each(profile, profileKey(keyAt(profile.appId, profile.userId))))
    const tails = new Map<number, number>()
    const entries = linesOf((profile, key) => {
      let tail = 0
      const lines = profile.entries.map((data) => {
        // History is as old as it says, but never in another order than it was written.
        tail = nextTail(tail, Math.max(0, Math.min(...entriesOf(data).map(({ at }) => at), Date.now())))
        return { ...key, id: entryId(tail, randomBytes(8)), day: dayOf(tail), data }
      })
      tails.set(profile.pid, tail)
      return lines
    })
    await Promise.all([
      send(
        statements.insertProfiles,
        linesOf(({ pid, doc, wakeAt, devices }, key) => [
          { ...key, doc, wake_at: wakeAt, look_at: wakeAt, tail: tails.get(pid) ?? 0, devices: devices.map(encodeId) },
        ]),
      ),
      send(statements.insertEntries, entries),
      send(
        statements.insertSeen,
        linesOf(({ seen }, key) => seen.map((line) => ({ ...key, ...line }))),
      ),
      send(
        statements.insertDeliveries,
        linesOf(({ deliveries }, key) =>
          deliveries.map((row) => ({
            ...key,
            ...row,
            id: encodeId(String(row.id)),
            note: row.note === null ? null : encodeId(String(row.note)),
          })),
        ),
      ),
      send(
        statements.insertDevices,
        linesOf(({ appId, devices }, key) => devices.map((id) => ({ ...deviceKey(appId, id), user_id: key.user_id }))),
      ),
      transaction.run({
        text: `UPDATE meta SET value = $2 WHERE name = $1`,
        values: [MARK, `${source.salt} ${profiles.at(-1)?.pid ?? 0}`],
      }),
    ])
  }

  return {
    copied: Number(copied),
    async begin() {
      if (from !== null) return
      await sessions.within(async (transaction) => {
        const put = (text: string, values: readonly unknown[]) => transaction.run({ text, values })
        const waiting = [
          put(`INSERT INTO meta VALUES ($1, $2)`, [MARK, `${source.salt} 0`]),
          // Digests of message ids are salted, and nobody can make them anew.
          put(`UPDATE meta SET value = $1 WHERE name = 'salt'`, [source.salt]),
          put(`UPDATE meta SET value = $1 WHERE name = 'horizon'`, [String(source.horizon)]),
          ...source
            .apps()
            .map(({ appId, doc }, index) =>
              put(`INSERT INTO apps VALUES ($1, $2, $3) ON CONFLICT (app_id) DO UPDATE SET doc = excluded.doc`, [
                encodeId(appId),
                index + 1,
                doc,
              ]),
            ),
          ...source
            .documents()
            .map((row) =>
              put('INSERT INTO documents VALUES ($1, $2, $3, $4)', [
                encodeId(String(row.app_id)),
                encodeId(String(row.kind)),
                encodeId(String(row.id)),
                row.doc,
              ]),
            ),
          ...source
            .revisions()
            .map((row) =>
              put('INSERT INTO document_sets VALUES ($1, $2, $3)', [
                encodeId(String(row.app_id)),
                encodeId(String(row.kind)),
                row.revision,
              ]),
            ),
        ]
        await Promise.all(waiting)
      })
    },
    copy: (profiles) => sessions.within((transaction) => copyInto(transaction, profiles)),
    async counts() {
      const found = await Promise.all(COUNTED.map((table) => run(`SELECT count(*) AS n FROM ${table}`)))
      return Object.fromEntries(COUNTED.map((table, index) => [table, Number(found[index]?.rows[0]?.n)])) as Counts
    },
    async end() {
      await run('DELETE FROM meta WHERE name = $1', [MARK])
    },
  }
}
