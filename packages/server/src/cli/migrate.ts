import { type Command, Option } from 'commander'
import { migrate } from '../store/postgres/migrate.ts'
import { pgPool } from '../store/postgres/pg-pool.ts'
import type { PostgresPool } from '../store/postgres/pool.ts'
import { POSTGRES_FORM, postgresOption } from './data.ts'
import { Problem } from './problem.ts'
import type { Terminal } from './terminal.ts'

interface MigrateOptions {
  readonly postgres: string
  readonly citus?: true
}

export function addMigrate(program: Command, terminal: Terminal): void {
  program
    .command('migrate')
    .description('Make the tables in a PostgreSQL, or bring them to this version. Servers may go on running.')
    .addOption(postgresOption().makeOptionMandatory())
    .addOption(
      new Option('--citus', 'spread the tables over the nodes of a Citus; only when they are made').env('DAMSON_CITUS'),
    )
    .addHelpText(
      'after',
      `
Examples:
  damson migrate --postgres ${POSTGRES_FORM}
  damson migrate --citus --postgres ${POSTGRES_FORM}`,
    )
    .action(async ({ postgres, ...options }: MigrateOptions) => {
      const citus = options.citus === true
      const found = await withPool(postgres, (pool) => migrate(pool, { citus }))
      if (citus && !found.isCitus)
        throw new Problem(
          'the tables are there already, on one node. Spreading them later is not supported: move to a new database.',
        )
      const spread = found.isCitus ? ', spread over the nodes of Citus' : ''
      terminal.print(
        found.from === found.to
          ? `The tables are at version ${found.to} already${spread}.`
          : `The tables are at version ${found.to} now${spread}; before, at ${found.from}.`,
      )
    })
}

/** A few connections for a command, closed at its end. */
export async function withPool<T>(url: string, use: (pool: PostgresPool) => Promise<T>): Promise<T> {
  const pool = await pgPool({
    url,
    connections: 4,
    connectTimeoutMs: 5_000,
    queryTimeoutMs: 600_000,
    settings: 'SELECT 1',
  })
  try {
    return await use(pool)
  } catch (error) {
    throw unreachable(error)
  } finally {
    await pool.end()
  }
}

/** What the network or the server says when there is no connection at all, in words. */
function unreachable(error: unknown): unknown {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: string }
  const isNetwork = ['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'EHOSTUNREACH'].includes(String(code))
  // invalid_password, invalid_authorization, invalid_catalog_name
  const isRefused = ['28P01', '28000', '3D000'].includes(String(code))
  if (!isNetwork && !isRefused) return error
  return new Problem(`cannot use that PostgreSQL: ${message || String(code)}. Check --postgres, and that it runs.`)
}
