import { Client } from 'pg'
import { migrate } from './nodes.ts'

/** A database with our tables, spread over the nodes of a Citus. */
export interface CitusDatabase {
  readonly url: string
  drop(): Promise<void>
}

/** Where tests find a Citus: a database on its coordinator. `null`, after a line that says so, where there is none. */
export function findCitus(): string | null {
  const { DAMSON_TEST_CITUS_URL: url } = process.env
  if (url) return url
  console.log('Skipped: what needs a Citus. Set DAMSON_TEST_CITUS_URL to a database on a coordinator.')
  return null
}

/** On every node of the Citus that `url` leads to; its workers are reached as the coordinator does. */
export async function createCitusDatabase(url: string): Promise<CitusDatabase> {
  const name = `damson_${process.pid}_${Math.random().toString(36).slice(2, 8)}`
  const nodes = (await ask(
    url,
    `SELECT groupid AS id, nodename AS host, nodeport AS port FROM pg_dist_node WHERE noderole = 'primary' ORDER BY groupid`,
  )) as { id: number; host: string; port: number }[]
  const workers = nodes
    .filter(({ id }) => id !== 0)
    .map(({ host, port }) => at(url, { hostname: host, port: `${port}` }))
  const places = [url, ...workers]
  for (const place of places) {
    await ask(place, `CREATE DATABASE ${name}`)
    await ask(at(place, { pathname: name }), 'CREATE EXTENSION citus')
  }
  const own = at(url, { pathname: name })
  for (const { id, host, port } of nodes)
    await ask(own, `SELECT ${id === 0 ? 'citus_set_coordinator_host' : 'citus_add_node'}('${host}', ${port})`)
  await migrate(own, '--citus')
  return {
    url: own,
    async drop() {
      for (const place of places) await ask(place, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

function at(url: string, change: Partial<Pick<URL, 'hostname' | 'port' | 'pathname'>>): string {
  return Object.assign(new URL(url), change).href
}

async function ask(url: string, text: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
