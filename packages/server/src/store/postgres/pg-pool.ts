import type { Pool as PgPool, PoolClient } from 'pg'
import { StoreUnusableError } from '../errors.ts'
import type { PoolOptions, PostgresClient, PostgresPool } from './pool.ts'

const IDLE_MS = 30_000

/**
 * Connections of the library `pg`, in its pipeline mode: statements are sent without waiting for the answers before them.
 * @throws {StoreUnusableError} the library is not installed
 */
export async function pgPool(options: PoolOptions): Promise<PostgresPool> {
  const { Pool } = await loadPg()
  const pool = new Pool({
    connectionString: options.url,
    max: options.connections,
    connectionTimeoutMillis: options.connectTimeoutMs,
    query_timeout: options.queryTimeoutMs,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    pipeline: true,
    application_name: 'damson',
  })
  // A connection that breaks while nobody uses it is dropped by the pool; the next turn gets another.
  pool.on('error', () => undefined)
  // And one that breaks while somebody does tells them by the statement that failed; an event nobody hears ends the process.
  pool.on('connect', (client) => client.on('error', () => undefined))
  const direct = new WeakMap<PoolClient, boolean>()

  async function isDirect(client: PoolClient): Promise<boolean> {
    const known = direct.get(client)
    if (known !== undefined) return known
    // Behind a pooler, the process we were told of at the greeting is not the one that answers.
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const found = rows[0]?.pid === (client as unknown as { readonly processID: number | null }).processID
    if (found) await client.query(options.settings)
    direct.set(client, found)
    return found
  }

  return {
    async connect(): Promise<PostgresClient> {
      const client = await pool.connect()
      try {
        const prepares = await isDirect(client)
        return {
          isDirect: prepares,
          query({ text, values, name }) {
            holdTogether(client)
            return client.query({ text, ...(values && { values: [...values] }), ...(name && prepares && { name }) })
          },
          release: (isBroken = false) => client.release(isBroken),
        }
      } catch (error) {
        client.release(true)
        throw error
      }
    },
    end: () => pool.end(),
  }
}

/** What we use of the socket of a connection, which the library keeps to itself. */
interface Corked {
  cork(): void
  uncork(): void
}

const held = new WeakSet<PoolClient>()

/** What is sent in one turn of the loop goes out in one piece: a call of the system for each statement costs more than it. */
function holdTogether(client: PoolClient): void {
  if (held.has(client)) return
  const { stream } = (client as unknown as { readonly connection: { readonly stream: Corked } }).connection
  held.add(client)
  stream.cork()
  process.nextTick(() => {
    held.delete(client)
    stream.uncork()
  })
}

async function loadPg(): Promise<{ readonly Pool: typeof PgPool }> {
  try {
    return (await import('pg')).default
  } catch (error) {
    throw new StoreUnusableError(
      "Expected the library 'pg', which talks to PostgreSQL, to be installed, but it cannot be loaded. Run: npm install pg",
      error,
    )
  }
}
