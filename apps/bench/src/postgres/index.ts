import { keep, machine, shown, table } from '../report.ts'
import { LOADS, runHttpBench } from '../server/http-bench.ts'
import { type BenchDatabase, makeDatabase } from './database.ts'
import { runGrowthBench } from './growth-bench.ts'
import { runNodesBench } from './nodes-bench.ts'

export interface PostgresBenchOptions {
  readonly rounds: number
  readonly seconds: number
  readonly events: number
  /** A server on which databases may be made. */
  readonly url: string
  readonly only?: string
  /** Whether the page and the JSON files are written. */
  readonly isKept: boolean
}

const say = (line: string): void => void process.stderr.write(`${line}\n`)

/** Ours on a PostgreSQL: beside a bare server, in several processes, and with much stored. */
export async function runPostgresBench(options: PostgresBenchOptions): Promise<void> {
  const parts = { http, nodes, growth }
  const { only } = options
  if (only !== undefined && !Object.hasOwn(parts, only))
    throw new Error(`--only: expected http, nodes or growth, and found ${only}.`)
  for (const [name, part] of Object.entries(parts)) {
    if (only !== undefined && name !== only) continue
    const database = await makeDatabase(options.url)
    try {
      const { text, figures } = await part(database, options)
      const [server] = await database.ask('SHOW server_version')
      const { rounds, seconds } = options
      const head = `${new Date().toISOString().slice(0, 10)}, ${machine()}, PostgreSQL ${String(server?.server_version).split(' ')[0]} as installed; load generator and database on the same machine, ${rounds} rounds of ${seconds} s each, interleaved; median (least–most).`
      const whole = `${head}\n\n${text}`
      process.stdout.write(`${whole}\n`)
      const date = new Date().toISOString()
      if (options.isKept) keep(`postgres-${name}`, whole, { machine: machine(), date, rounds, seconds, figures })
    } finally {
      await database.drop()
    }
  }
}

interface Part {
  readonly text: string
  readonly figures: unknown
}

async function http({ url }: BenchDatabase, { rounds, seconds }: PostgresBenchOptions): Promise<Part> {
  // With few connections it is the flush of the disk that is measured, and that is in the other table.
  const loads = LOADS.filter(({ connections }) => connections > 4)
  const figures = await runHttpBench({ rounds, seconds, loads, durable: 'postgres', database: url, onProgress: say })
  const rows = figures.loads.map((one) => [
    one.load,
    String(Math.round(one.bareRequestsPerSecond.median)),
    String(Math.round(one.requestsPerSecond.median)),
    shown(one.toBare),
    shown(one.toMemory),
    shown(one.p99Ms, 0),
    one.processorMicroseconds.durable.toFixed(0),
  ])
  const head = [
    'load',
    'bare requests/s',
    'ours',
    'ratio to bare',
    'to ours with storage off',
    'p99 ms',
    'µs of our process',
  ]
  return { text: table(head, rows), figures }
}

async function nodes(database: BenchDatabase, { rounds, seconds }: PostgresBenchOptions): Promise<Part> {
  const figures = await runNodesBench(database, rounds, seconds, say)
  const rows = figures.map((one) => [
    one.load,
    String(one.nodes),
    String(Math.round(one.eventsPerSecond.median)),
    shown(one.nodeMicroseconds, 0),
    shown(one.postgresMicroseconds, 0),
    shown(one.toOne),
    shown(one.bareToOne),
  ])
  const head = [
    'load of all together',
    'servers',
    'events/s, all together',
    'µs of the servers, each',
    'µs of PostgreSQL, each',
    'both, to one server',
    'bare servers, to one',
  ]
  return { text: table(head, rows), figures }
}

async function growth(database: BenchDatabase, { rounds, seconds, events }: PostgresBenchOptions): Promise<Part> {
  const figures = await runGrowthBench(database, { rounds, seconds, most: events }, say)
  const rows = figures.map((one) => [
    one.events.toLocaleString('en'),
    String(Math.round(one.eventsPerSecond.median)),
    shown(one.toBare),
    shown(one.nodeMicroseconds, 0),
    shown(one.postgresMicroseconds, 0),
    shown(one.toFirst),
  ])
  const head = [
    'events stored',
    'events/s',
    'ratio to bare',
    'µs of the server, each',
    'µs of PostgreSQL, each',
    'both, to the first',
  ]
  return { text: table(head, rows), figures }
}
