import { type Clock, DAY_MS } from '@damson/core'
import type { Begun, Counts, ProfileState, Rest } from '../../store/moving.ts'
import { COUNTED } from '../../store/moving.ts'
import { encodeId } from '../../store/postgres/keys.ts'
import { maintainPartitions } from '../../store/postgres/partitions.ts'
import type { PostgresPool } from '../../store/postgres/pool.ts'
import { createSessions, sessionSettings, type Transaction } from '../../store/postgres/session.ts'
import { createStatements } from '../../store/postgres/statements.ts'
import { Problem } from '../problem.ts'
import { readStates } from './read-states.ts'
import { type Copied, copiedOf, writeStates } from './write-states.ts'

/** How far a copy is. Kept in the target, with what was copied. */
export interface Mark {
  /** Under which name the folder notes its changes. */
  readonly id: string
  /** The last pid of those copied one after the other; `null` when all of them were. */
  readonly copied: number | null
  /** The last change that was taken over. */
  readonly seq: number
}

/** Where a copy goes: a database whose tables were made, and that has nothing else in them. */
export interface Target {
  /** `null`: nothing was copied yet. */
  readonly mark: Mark | null
  begin(begun: Begun): Promise<void>
  /** All of it with the mark, or nothing. @param states by pid, `null` for those who are gone */
  write(states: ReadonlyMap<number, ProfileState | null>, mark: Mark): Promise<void>
  /** What the target has of these profiles, as far as it has anything. */
  known(pids: readonly number[]): Promise<ReadonlyMap<number, Copied>>
  /** The same as the target itself tells it, to be compared. */
  read(pids: readonly number[]): Promise<ReadonlyMap<number, ProfileState>>
  /** Pids of profiles that were not compared since they were written, in their order. */
  unchecked(after: number, limit: number): Promise<readonly number[]>
  uncheckedCount(): Promise<number>
  checked(pids: readonly number[]): Promise<void>
  /** Drops the message ids of days that are over. */
  forget(horizon: number): Promise<void>
  writeRest(rest: Rest): Promise<void>
  counts(): Promise<Counts>
  /** From now on servers may use it. */
  end(): Promise<void>
}

/** Under this name `meta` keeps the mark. */
const MARK = 'move'
const TIMEOUTS = { lockTimeoutMs: 10_000, statementTimeoutMs: 300_000 }

/** What was copied of whom; gone at the end. */
const TABLE = `
  CREATE TABLE moving (
    pid bigint PRIMARY KEY,
    app_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    entry bigint NOT NULL,
    tail bigint NOT NULL,
    devices text[] NOT NULL,
    is_checked boolean NOT NULL DEFAULT false
  );
  CREATE UNIQUE INDEX moving_by_user ON moving (app_id, user_id);
  CREATE INDEX moving_unchecked ON moving (pid) WHERE NOT is_checked`

export async function openTarget(pool: PostgresPool, clock: Clock): Promise<Target> {
  const sessions = createSessions({ pool, ...TIMEOUTS })
  const run = (text: string, values: readonly unknown[] = []) =>
    sessions.within((transaction) => transaction.run({ text, values }))
  const { rows } = await run('SELECT name, value FROM meta').catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== '42P01') throw error
    throw new Problem('there are no tables in the target yet. Run: damson migrate --postgres URL')
  })
  const meta = new Map(rows.map(({ name, value }) => [String(name), String(value)]))
  const isNarrow = meta.has('citus')
  const writer = { isNarrow, statements: createStatements(isNarrow ? 'bucket' : 'any', false), clock }
  let mark = meta.has(MARK) ? markOf(meta.get(MARK) ?? '') : null
  let forgotten = Number(meta.get('horizon'))

  async function refuseUsed(): Promise<void> {
    // Nothing was asked at the same time as something else so far, so of our own connections there is one.
    const { rows: found } = await run(
      // One row each: Citus fetches what lies on its nodes before it looks whether there is any.
      `SELECT EXISTS (SELECT 1 FROM profiles LIMIT 1) OR EXISTS (SELECT 1 FROM documents) AS full,
         EXISTS (SELECT 1 FROM leases LIMIT 1) OR EXISTS (
           SELECT FROM pg_stat_activity
           WHERE datname = current_database() AND application_name = 'damson' AND pid <> pg_backend_pid()) AS used`,
    )
    if (found[0]?.used === true)
      throw new Problem('a server uses the target, or was killed while it did. Stop it, and use a new database.')
    if (found[0]?.full === true)
      throw new Problem('the target has users already, and two stores cannot be mixed. Use a new database.')
  }

  /** In one transaction, by plans that look rows up one by one: nothing is known yet of tables that are being filled. */
  function within<T>(use: (transaction: Transaction) => Promise<T>): Promise<T> {
    return sessions.within((transaction) => {
      void transaction.run({ text: sessionSettings(TIMEOUTS, true) })
      return use(transaction)
    })
  }

  async function setMark(transaction: Transaction, next: Mark): Promise<void> {
    const { rowCount } = await transaction.run({
      text: 'UPDATE meta SET value = $2 WHERE name = $1 AND value = $3',
      values: [MARK, JSON.stringify(next), JSON.stringify(mark)],
    })
    if (rowCount !== 1) throw new Problem('another move copies into the same target. Let one of them go on.')
  }

  async function known(pids: readonly number[]): Promise<ReadonlyMap<number, Copied>> {
    const { rows: found } = await run(
      'SELECT pid, app_id, user_id, entry, tail, devices FROM moving WHERE pid = ANY($1)',
      [pids],
    )
    return new Map(found.map((row) => [Number(row.pid), copiedOf(row)]))
  }

  return {
    get mark() {
      return mark
    },
    async begin({ id, salt, seq }) {
      if (id === null) throw new Error('Expected a folder that notes what changes.')
      await refuseUsed()
      // Once rows of a day lie in the default partition, that day cannot get one of its own.
      await maintainPartitions(sessions, clock.now(), { seen: 0 })
      const first: Mark = { id, copied: 0, seq }
      await sessions.within(async ({ run: put }) => {
        await Promise.all([
          put({ text: TABLE }),
          put({ text: 'INSERT INTO meta VALUES ($1, $2)', values: [MARK, JSON.stringify(first)] }),
          // Digests of message ids are salted, and nobody can make them anew.
          put({ text: `UPDATE meta SET value = $1 WHERE name = 'salt'`, values: [salt] }),
        ])
      })
      mark = first
    },
    async write(states, next) {
      await within(async (transaction) => {
        const marking = setMark(transaction, next)
        await Promise.all([marking, writeStates(transaction, writer, states)])
      })
      mark = next
    },
    known,
    async read(pids) {
      const copied = await known(pids)
      return within((transaction) => readStates(transaction, isNarrow, copied))
    },
    async unchecked(after, limit) {
      const { rows: found } = await run(
        'SELECT pid FROM moving WHERE pid > $1 AND NOT is_checked ORDER BY pid LIMIT $2',
        [after, limit],
      )
      return found.map(({ pid }) => Number(pid))
    },
    async uncheckedCount() {
      const { rows: found } = await run('SELECT count(*) AS n FROM moving WHERE NOT is_checked')
      return Number(found[0]?.n)
    },
    async checked(pids) {
      await run('UPDATE moving SET is_checked = true WHERE pid = ANY($1)', [pids])
    },
    async forget(horizon) {
      if (Math.floor(horizon / DAY_MS) <= Math.floor(forgotten / DAY_MS)) return
      await run('DELETE FROM seen WHERE day < $1', [Math.floor(horizon / DAY_MS)])
      forgotten = horizon
    },
    writeRest: (rest) => sessions.within((transaction) => writeRest(transaction, rest)),
    async counts() {
      const found = await Promise.all(COUNTED.map((table) => run(`SELECT count(*) AS n FROM ${table}`)))
      return Object.fromEntries(COUNTED.map((table, index) => [table, Number(found[index]?.rows[0]?.n)])) as Counts
    },
    async end() {
      await sessions.within(async ({ run: put }) => {
        await Promise.all([
          put({ text: 'DROP TABLE moving' }),
          put({ text: 'DELETE FROM meta WHERE name = $1', values: [MARK] }),
        ])
      })
    },
  }
}

function markOf(text: string): Mark {
  try {
    return JSON.parse(text) as Mark
  } catch (error) {
    throw new Problem('the target has a part of a copy that an older version began. Use a new database.', {
      cause: error,
    })
  }
}

/** What belongs to no profile, in the place of what was there of it. */
async function writeRest({ run }: Transaction, { apps, documents, revisions, horizon }: Rest): Promise<void> {
  const put = (table: string, columns: string, rows: readonly object[]) => {
    const names = columns.split(', ').map((column) => `given.${column.split(' ')[0]}`)
    return run({
      text: `INSERT INTO ${table} SELECT ${names.join(', ')} FROM json_to_recordset($1::json) AS given (${columns})`,
      values: [JSON.stringify(rows)],
    })
  }
  await Promise.all([
    run({ text: 'DELETE FROM documents; DELETE FROM document_sets; DELETE FROM apps' }),
    put(
      'apps',
      'app_id text, position int, doc text',
      apps.map(({ app_id, doc }, index) => ({ app_id: encodeId(app_id), position: index + 1, doc })),
    ),
    put(
      'documents',
      'app_id text, kind text, id text, doc text',
      documents.map(({ app_id, kind, id, doc }) => ({
        app_id: encodeId(app_id),
        kind: encodeId(kind),
        id: encodeId(id),
        doc,
      })),
    ),
    put(
      'document_sets',
      'app_id text, kind text, revision bigint',
      revisions.map(({ app_id, kind, revision }) => ({ app_id: encodeId(app_id), kind: encodeId(kind), revision })),
    ),
    run({ text: `UPDATE meta SET value = $1 WHERE name = 'horizon'`, values: [String(horizon)] }),
  ])
}
