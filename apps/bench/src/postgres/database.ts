import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'

export interface BenchDatabase {
  readonly url: string
  ask(text: string, values?: readonly unknown[]): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** Processor time that the processes of its server, dead and alive, have used so far. Microseconds. */
  usage(): number
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
  const server = await serverOf(url)
  return {
    url: own.href,
    usage: () => usageOf(server),
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

/** The process that has started all others of a server: there may be more than one on this machine. */
async function serverOf(url: string): Promise<string> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const parent = fieldsOf(String(rows[0]?.pid))?.[PARENT]
    if (parent === undefined)
      throw new Error('Expected the PostgreSQL to run on this machine, where its time is taken.')
    return parent
  } finally {
    await client.end()
  }
}

function usageOf(server: string): number {
  let ticks = 0
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const fields = fieldsOf(pid)
    if (fields === null || (pid !== server && fields[PARENT] !== server)) continue
    for (const field of fields.slice(...TIMES)) ticks += Number(field)
  }
  return ticks * TICK_MICROSECONDS
}

/** Places among the fields of `/proc/PID/stat` behind the name. Times: user, system, and both of children that have ended. */
const PARENT = 1
const TIMES = [11, 15] as const

/** `null`: it has ended meanwhile. */
function fieldsOf(pid: string): readonly string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}
