import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keep, machine, shown, table } from '../report.ts'
import { ratios, shuffled, spreadOf } from '../statistics.ts'
import { type Served, serve } from './served.ts'

export interface ExportBenchOptions {
  readonly rounds: number
  readonly events: number
  /** Where the data lies for other runs; filled if it is not there. Without it, in a folder that goes with the run. */
  readonly data?: string
  /** Whether the page and the JSON file are written. */
  readonly isKept: boolean
}

interface Measured {
  readonly ms: number
  readonly bytes: number
  /** Of the server's process; absent for the dump. */
  readonly peakMb?: number
  readonly rows: number
}

const EVENTS_PER_SESSION = 10
const SESSIONS_PER_USER = 5
/** A `multi` takes 500 actions: forty sessions, each with its start and its end. */
const SESSIONS_AT_ONCE = 40
const AT_ONCE = 16
const APP = { appId: 'bench', name: 'Bench', keys: { production: ['prod_bench'], dataExport: ['export_bench'] } }
const KINDS = ['json', 'csv', 'dump'] as const
type Kind = (typeof KINDS)[number]

/** `exportData` of so many events by a server that does nothing else: its memory, and its time beside a plain `SELECT`. */
export async function runExportBench({ rounds, events, data, isKept }: ExportBenchOptions): Promise<void> {
  const folder = data ?? mkdtempSync(join(tmpdir(), 'damson-export-'))
  mkdirSync(folder, { recursive: true })
  const isFilled = existsSync(join(folder, 'damson.db'))
  const config = join(folder, 'apps.json')
  // Enough exports a day for the rounds, and nothing to wait for.
  writeFileSync(config, JSON.stringify({ apps: [APP], exports: { availabilitySeconds: 0 } }))
  const found: Record<Kind, Measured[]> = { json: [], csv: [], dump: [] }
  try {
    const users = Math.ceil(events / EVENTS_PER_SESSION / SESSIONS_PER_USER)
    if (!isFilled) await fill(folder, config, users)
    const days = daysNow()
    const idleMb = await idle(folder, config)
    for (let round = 0; round < rounds; round++) {
      for (const kind of shuffled(KINDS)) {
        const measured = kind === 'dump' ? dump(folder) : await exported(folder, config, kind, days)
        found[kind].push(measured)
        process.stderr.write(`${kind}: ${JSON.stringify(measured)}\n`)
      }
    }
    report({ rounds, events: users * SESSIONS_PER_USER * EVENTS_PER_SESSION, users, idleMb, found, isKept })
  } finally {
    if (data === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

interface Days {
  readonly startDate: string
  readonly endDate: string
}

/** Five sessions of each user, an hour apart; each with ten events of several kinds. */
async function fill(folder: string, config: string, users: number): Promise<void> {
  const served = await serve(folder, config)
  const beganAt = performance.now()
  for (let visit = 0; visit < SESSIONS_PER_USER; visit++) {
    let next = 0
    const feed = async () => {
      while (next < users) {
        const first = next
        next += SESSIONS_AT_ONCE
        const count = Math.min(SESSIONS_AT_ONCE, users - first)
        const data = Array.from({ length: count }, (_, index) => session(first + index, visit)).flat()
        await served.post({ appId: APP.appId, clientKey: 'prod_bench', action: 'multi', data })
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, feed))
    await served.advance(3_600)
  }
  await served.stop()
  process.stderr.write(`filled in ${Math.round((performance.now() - beganAt) / 1000)} s\n`)
}

/** The clock of each process begins at the time of day, and what was recorded lies up to five hours later. */
function daysNow(): Days {
  const now = Date.now()
  return { startDate: pacific(now - 86_400_000), endDate: pacific(now + 86_400_000) }
}

function session(user: number, visit: number): readonly object[] {
  const ids = { userId: `user-${user}`, deviceId: `phone-${user}` }
  const device = { systemName: 'iOS', systemVersion: '18.1', deviceModel: 'iPhone', appVersion: '4.2.0', country: 'DE' }
  const userAttributes = { plan: user % 3 === 0 ? 'gold' : 'free', age: 18 + (user % 60), visits: visit }
  const events = Array.from({ length: EVENTS_PER_SESSION }, (_, index) => ({
    ...ids,
    action: 'track',
    event: ['Seen', 'Searched', 'Added to cart', 'Purchase'][index % 4],
    value: index % 4 === 3 ? 19.99 : 0,
    params: { item: `item-${(user * 7 + index) % 5_000}`, position: index },
  }))
  return [{ ...ids, action: 'start', ...device, userAttributes }, ...events, { ...ids, action: 'stop' }]
}

function pacific(at: number): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: 'America/Los_Angeles' }).format(at).replaceAll('-', '')
}

/** What the process has at the start, before it exports anything. */
async function idle(folder: string, config: string): Promise<number> {
  const served = await serve(folder, config)
  const peakMb = served.peakMb()
  await served.stop()
  return peakMb
}

async function exported(folder: string, config: string, exportFormat: 'json' | 'csv', days: Days): Promise<Measured> {
  const served = await serve(folder, config)
  await served.advance(6 * 3_600)
  const asked = { appId: APP.appId, clientKey: 'export_bench' }
  const beganAt = performance.now()
  const [made] = await served.post({ ...asked, action: 'exportData', exportFormat, ...days })
  const results = await finished(served, { ...asked, action: 'getExportResults', jobId: made?.jobId })
  const ms = performance.now() - beganAt
  const peakMb = served.peakMb()
  await served.stop()
  // The next one should not find its disk full.
  rmSync(join(folder, 'files'), { recursive: true, force: true })
  return { ms, bytes: Number(results.numBytes), rows: Number(results.numSessions), peakMb }
}

async function finished(served: Served, question: object): Promise<Record<string, unknown>> {
  for (;;) {
    const [results = {}] = await served.post(question)
    if (results.state === 'FINISHED') return results
    if (results.state === 'FAILED') throw new Error(`the export failed: ${JSON.stringify(results)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function dump(folder: string): Measured {
  const script = fileURLToPath(new URL('./dump.ts', import.meta.url))
  const target = join(folder, 'dump.txt')
  const args = ['--import', 'tsx', script, join(folder, 'damson.db'), target]
  const measured = JSON.parse(execFileSync(process.execPath, args).toString()) as Measured
  rmSync(target)
  return measured
}

interface Figures {
  readonly rounds: number
  readonly events: number
  readonly users: number
  readonly idleMb: number
  readonly found: Record<Kind, readonly Measured[]>
  readonly isKept: boolean
}

function report({ rounds, events, users, idleMb, found, isKept }: Figures): void {
  const seconds = (kind: Kind) => found[kind].map(({ ms }) => ms / 1_000)
  const rowOf = (kind: Kind, name: string) => [
    name,
    `${shown(spreadOf(seconds(kind)), 1)} s`,
    kind === 'dump' ? '1' : shown(ratios(seconds(kind), seconds('dump')), 1),
    `${Math.round(events / spreadOf(seconds(kind)).median)}`,
    `${Math.round((found[kind][0]?.bytes ?? 0) / 1_000_000)} MB`,
    kind === 'dump' ? '–' : `${shown(spreadOf(found[kind].map(({ peakMb = 0 }) => peakMb)), 0)} MB`,
  ]
  const text = [
    `${new Date().toISOString().slice(0, 10)}, ${machine()}; ${events} events in ${events / EVENTS_PER_SESSION} sessions of ${users} users; \`damson serve\` on SQLite, a new process for each export, ${rounds} rounds, interleaved; median (least–most).`,
    table(
      ['', 'time', 'ratio to the dump', 'events a second', 'written', 'most in memory (MiB)'],
      [
        rowOf('json', '`exportData`, JSON lines'),
        rowOf('csv', '`exportData`, six CSV tables'),
        rowOf('dump', '`SELECT data FROM entries`, row by row to a file'),
      ],
    ),
    `The server has ${Math.round(idleMb)} MB when it has started and does nothing. The dump has ${found.dump[0]?.rows} rows of history as they lie in the file; an export puts them together to sessions.`,
  ].join('\n\n')
  process.stdout.write(`${text}\n`)
  if (isKept)
    keep('export', text, { machine: machine(), date: new Date().toISOString(), rounds, events, users, idleMb, found })
}
