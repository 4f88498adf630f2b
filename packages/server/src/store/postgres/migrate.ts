import { randomBytes } from 'node:crypto'
import { StoreUnusableError } from '../errors.ts'
import { MIGRATIONS } from './migrations.ts'
import type { PostgresClient, PostgresPool } from './pool.ts'
import { splitShards } from './shards.ts'

export interface MigrateOptions {
  /** Spread the tables over the nodes of Citus, which must be installed. Only when the tables are made. */
  readonly citus?: boolean
}

export interface Migrated {
  readonly from: number
  readonly to: number
  readonly isCitus: boolean
}

/** Held while tables change: makers of tables wait for each other. A row lock cannot do it before there is a table. */
const MIGRATION_LOCK = 7_236_450_218

/**
 * Brings the tables to this version: what is missing is applied, in order, each in a transaction of its own. Any number of
 * processes may try at once; one does it. What waits for a table does so for two seconds at most, and then gives up,
 * because everybody else would wait behind it.
 * @throws {StoreUnusableError} the tables are of a newer version than this program
 */
export async function migrate(pool: PostgresPool, options: MigrateOptions = {}): Promise<Migrated> {
  const client = await pool.connect()
  let isBroken = true
  try {
    const from = await versionOf(client)
    refuseNewer(from)
    for (let version = from; version < MIGRATIONS.length; version += 1) await apply(client, version, options)
    const isCitus = await isSpread(client)
    if (isCitus) await spread(client)
    isBroken = false
    return { from, to: MIGRATIONS.length, isCitus }
  } finally {
    client.release(isBroken)
  }
}

/** Which version the tables are of; 0 when there are none. */
export async function versionOf(client: PostgresClient): Promise<number> {
  // Of the catalogue itself: what a name was looked up as before, `to_regclass` remembers.
  const { rows: found } = await client.query({
    text: `SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'meta' AND pg_table_is_visible(oid)) AS is_there`,
  })
  if (found[0]?.is_there !== true) return 0
  const { rows } = await client.query({ text: `SELECT value FROM meta WHERE name = 'version'` })
  return Number(rows[0]?.value ?? 0)
}

export function refuseNewer(version: number): void {
  if (version <= MIGRATIONS.length) return
  throw new StoreUnusableError(
    `Expected the tables to have version ${MIGRATIONS.length} or less, but they have version ${version}. A newer Damson made them: use that one.`,
  )
}

async function apply(client: PostgresClient, version: number, { citus = false }: MigrateOptions): Promise<void> {
  const migration = MIGRATIONS[version]
  if (migration === undefined) return
  const run = (text: string, values?: readonly unknown[]) => client.query({ text, ...(values && { values }) })
  try {
    await run(`BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '10min'`)
    // The lock ends with the transaction, so a pooler between us does no harm; others wait, without a limit.
    await run(
      `SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock(${MIGRATION_LOCK}); SET LOCAL lock_timeout = '2s'`,
    )
    if ((await versionOf(client)) > version) return void (await run('ROLLBACK'))
    await run(migration.sql)
    const isCitus = version === 0 ? citus : await isSpread(client)
    // Of one shard at first: see `splitShards`.
    if (isCitus) {
      for (const table of migration.reference) await run(`SELECT create_reference_table('${table}')`)
      for (const [index, table] of migration.distributed.entries()) {
        const beside = index === 0 && version === 0 ? 'none' : 'profiles'
        const spread = `SELECT create_distributed_table('${table}', 'bucket', colocate_with => '${beside}'`
        await run(beside === 'none' ? `${spread}, shard_count => 1)` : `${spread})`)
      }
    }
    if (version === 0) {
      await run(`INSERT INTO meta VALUES ('salt', $1), ('horizon', '0')`, [randomBytes(16).toString('hex')])
      if (citus) await run(`INSERT INTO meta VALUES ('citus', 'yes')`)
    }
    await run(`INSERT INTO meta VALUES ('version', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, [
      String(version + 1),
    ])
    await run('COMMIT')
  } catch (error) {
    await run('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** Whoever was killed before it left tables that work on one node; the next migration spreads them. */
async function spread(client: PostgresClient): Promise<void> {
  try {
    await client.query({ text: `BEGIN; SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})` })
    await splitShards(client)
    await client.query({ text: 'COMMIT' })
  } catch (error) {
    await client.query({ text: 'ROLLBACK' }).catch(() => undefined)
    throw error
  }
}

async function isSpread(client: PostgresClient): Promise<boolean> {
  const { rows } = await client.query({ text: `SELECT 1 FROM meta WHERE name = 'citus'` })
  return rows.length > 0
}
