import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'

export interface BenchDatabase {
  readonly url: string
  ask(text: string, values?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  drop(): Promise<void>
}

/** A new database with our tables, durable as PostgreSQL is by itself. */
export async function makeDatabase(url: string): Promise<BenchDatabase> {
  const name = `damson_bench_${process.pid}`
  await ask(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
  await ask(url, `CREATE DATABASE ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  const main = fileURLToPath(new URL('../../../../packages/server/dist/cli/main.js', import.meta.url))
  execFileSync(process.execPath, [main, 'migrate', '--postgres', own.href])
  return {
    url: own.href,
    ask: (text, values) => ask(own.href, text, values),
    drop: async () => void (await ask(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  }
}

async function ask(url: string, text: string, values: readonly unknown[] = []) {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, unknown>>(text, [...values])
    return rows
  } finally {
    await client.end()
  }
}

/** Hundredths of a second, as Linux counts them. */
const TICK_MICROSECONDS = 10_000

/** Processor time that all processes of PostgreSQL on this machine, dead and alive, have used so far. Microseconds. */
export function postgresUsage(): number {
  let ticks = 0
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const stat = statOf(pid)
    if (stat === null || !stat.startsWith('(postgres)')) continue
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // utime, stime, and the same of children that have ended.
    for (const field of fields.slice(11, 15)) ticks += Number(field)
  }
  return ticks * TICK_MICROSECONDS
}

/** From the name on; `null`: it has ended meanwhile. */
function statOf(pid: string): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.indexOf('('))
  } catch {
    return null
  }
}
