import { connect as connectSocket } from 'node:net'
import { Client, type QueryResultRow } from 'pg'
import type { PGlite } from '@electric-sql/pglite'
import { migrate } from './migrate.ts'
import { pgPool } from './pg-pool.ts'
import type { PostgresClient, PostgresPool, PostgresResult } from './pool.ts'

const LOCAL = { host: '127.0.0.1', port: 5432 }

/**
 * Where tests find a PostgreSQL: `DATABASE_URL`, or a server on this machine that lets us in. `null`, after a line that says
 * so, where there is none.
 */
export async function findPostgres(): Promise<string | null> {
  const { DATABASE_URL } = process.env
  if (DATABASE_URL) return DATABASE_URL
  if (await isListening(LOCAL.host, LOCAL.port)) {
    const known = ['postgres', 'root', process.env.USER ?? 'postgres']
    for (const user of known) {
      const url = `postgres://${user}@${LOCAL.host}:${LOCAL.port}/postgres`
      if (await isOpen(url)) return url
    }
  }
  console.log(
    `Skipped: no PostgreSQL at ${LOCAL.host}:${LOCAL.port} lets us in. Set DATABASE_URL to run these tests on yours.`,
  )
  return null
}

function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket({ host, port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

async function isOpen(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url })
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

export interface TestDatabase {
  readonly url: string
  drop(): Promise<void>
}

/** A new, empty database on the server that `url` names. */
export function createDatabase(url: string, name: string, isDurable = false): Promise<TestDatabase> {
  return createNamed(url, freshName(name), isDurable)
}

function freshName(name: string): string {
  return `damson_${name}_${process.pid}_${Math.random().toString(36).slice(2, 8)}`
}

async function createNamed(url: string, full: string, isDurable: boolean): Promise<TestDatabase> {
  await ask(url, `CREATE DATABASE ${full}`)
  // A test that pulls no plug need not wait for the disk.
  if (!isDurable) await ask(url, `ALTER DATABASE ${full} SET synchronous_commit = off`)
  const own = new URL(url)
  own.pathname = `/${full}`
  return { url: own.href, drop: () => ask(url, `DROP DATABASE IF EXISTS ${full} WITH (FORCE)`) }
}

/** Where tests find a Citus: in `DAMSON_TEST_CITUS_URL`, a database on its coordinator. `null`, after a line that says so. */
export function findCitus(): string | null {
  const { DAMSON_TEST_CITUS_URL } = process.env
  if (DAMSON_TEST_CITUS_URL) return DAMSON_TEST_CITUS_URL
  console.log('Skipped: what needs a Citus. Set DAMSON_TEST_CITUS_URL to a database on a coordinator.')
  return null
}

/** A new, empty database on every node of the Citus that `url` leads to; its workers are reached as the coordinator does. */
export async function createCitusDatabase(url: string, name: string, isDurable = false): Promise<TestDatabase> {
  const nodes = await rowsOf<{ id: number; host: string; port: number }>(
    url,
    `SELECT groupid AS id, nodename AS host, nodeport AS port FROM pg_dist_node WHERE noderole = 'primary' ORDER BY groupid`,
  )
  const workers = nodes.filter(({ id }) => id !== 0)
  const full = freshName(name)
  const made: TestDatabase[] = []
  for (const place of [url, ...workers.map((worker) => placeOf(url, worker))]) {
    const one = await createNamed(place, full, isDurable)
    await ask(one.url, 'CREATE EXTENSION citus')
    made.push(one)
  }
  const own = placeOf(url, {}, full)
  for (const { id, host, port } of nodes) {
    const join = id === 0 ? 'citus_set_coordinator_host' : 'citus_add_node'
    await ask(own, `SELECT ${join}('${host}', ${port})`)
  }
  return { url: own, drop: async () => void (await Promise.all(made.map((one) => one.drop()))) }
}

/** The same database, or another one, on another node. */
export function placeOf(url: string, { host, port }: { host?: string; port?: number }, database?: string): string {
  const place = new URL(url)
  if (host !== undefined) place.hostname = host
  if (port !== undefined) place.port = String(port)
  if (database !== undefined) place.pathname = `/${database}`
  return place.href
}

/** Makes our tables in a database. */
export async function migrateDatabase(url: string, citus = false): Promise<void> {
  const pool = await pgPool({
    url,
    connections: 1,
    connectTimeoutMs: 5_000,
    queryTimeoutMs: 60_000,
    settings: 'SELECT 1',
  })
  await migrate(pool, { citus })
  await pool.end()
}

/** Runs statements on a connection of their own. */
export async function ask(url: string, text: string): Promise<void> {
  await rowsOf(url, text)
}

/** The same, for one statement that answers. */
export async function rowsOf<T extends QueryResultRow>(url: string, text: string): Promise<T[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<T>(text)).rows
  } finally {
    await client.end()
  }
}

/** Empties every table of ours, for the next test: quicker than making them anew. */
export const EMPTY = `
  DELETE FROM profiles; DELETE FROM devices; DELETE FROM entries; DELETE FROM seen; DELETE FROM erased;
  DELETE FROM deliveries; DELETE FROM leases; DELETE FROM apps; DELETE FROM documents; DELETE FROM document_sets;
  UPDATE meta SET value = '0' WHERE name = 'horizon'`

/** PostgreSQL in this process: one connection, which its users take in turns. */
export function pglitePool(database: PGlite): PostgresPool {
  let last: Promise<unknown> = Promise.resolve()

  return {
    async connect(): Promise<PostgresClient> {
      const before = last
      let release = () => {}
      last = new Promise<void>((resolve) => (release = resolve))
      await before
      return clientOf(database, release)
    },
    end: async () => void (await last),
  }
}

function clientOf(database: PGlite, release: () => void): PostgresClient {
  let sent: Promise<unknown> = Promise.resolve()
  let isFailed = false

  async function run(text: string, values: readonly unknown[] | undefined): Promise<PostgresResult> {
    try {
      if (values === undefined) {
        const results = await database.exec(text)
        const command = isFailed && text === 'COMMIT' ? 'ROLLBACK' : text
        const last = results.at(-1)
        return { rows: last?.rows ?? [], rowCount: last?.affectedRows ?? null, command }
      }
      const { rows, affectedRows } = await database.query(text, [...values])
      return { rows: rows as PostgresResult['rows'], rowCount: affectedRows ?? null, command: '' }
    } catch (error) {
      isFailed = true
      throw error
    }
  }

  return {
    isDirect: false,
    query({ text, values }) {
      const answer = sent.then(() => run(text, values))
      sent = answer.catch(() => undefined)
      return answer
    },
    release,
  }
}
