import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { machine, shown, table } from '../report.ts'
import { shuffled, spreadOf, type Spread } from '../statistics.ts'
import type { Measured } from './child.ts'
import { openSink, type Sink } from './sink.ts'
import { sizeOf, type Size } from './sizes.ts'

export interface ClientBenchOptions {
  readonly rounds: number
  /** Events delivered per round. */
  readonly events: number
  /** Events held in memory. */
  readonly queued: number
  readonly isKept: boolean
}

/** The libraries, and what an app imports of each. */
const LIBRARIES: Readonly<Record<string, string>> = {
  '@damson/core': 'createClient',
  'posthog-node': 'PostHog',
  '@segment/analytics-node': 'Analytics',
  '@amplitude/analytics-node': 'init, track, flush',
  '@rudderstack/rudder-sdk-node': 'default',
  mixpanel: 'default',
}

/**
 * Those that cannot hold a queue: mixpanel sends a request per call, RudderStack turns its whole queue into JSON at each
 * call, which makes 100,000 of them a matter of hours. Fewer events do for the rest.
 */
const WITHOUT_QUEUE = ['mixpanel', '@rudderstack/rudder-sdk-node']
const WITHOUT_QUEUE_EVENTS = 1_000

interface Figures {
  readonly callNs: number[]
  readonly eventsPerSecond: number[]
  readonly cpuMicroseconds: number[]
  readonly bytesPerEvent: number[]
}

const run = promisify(execFile)
const CHILD = fileURLToPath(new URL('child.ts', import.meta.url))

/** Each library in a process of its own against the same sink, in shuffled rounds of one run. */
export async function runClientBench({ rounds, events, queued, isKept }: ClientBenchOptions): Promise<void> {
  const sink = await openSink()
  const figures = new Map<string, Figures>()
  for (const name of Object.keys(LIBRARIES)) {
    figures.set(name, { callNs: [], eventsPerSecond: [], cpuMicroseconds: [], bytesPerEvent: [] })
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const name of shuffled(Object.keys(LIBRARIES))) {
      process.stderr.write(`round ${round} of ${rounds}: ${name}\n`)
      await measure(
        name,
        WITHOUT_QUEUE.includes(name) ? WITHOUT_QUEUE_EVENTS : events,
        queued,
        sink,
        figures.get(name)!,
      )
    }
  }
  sink.close()
  const sizes = new Map<string, Size>()
  for (const [name, imported] of Object.entries(LIBRARIES)) sizes.set(name, await sizeOf(name, imported))
  const text = report(figures, sizes, { rounds, events, queued })
  process.stdout.write(`${text}\n`)
  if (isKept) write(text, figures, sizes)
}

async function measure(name: string, events: number, queued: number, sink: Sink, into: Figures): Promise<void> {
  sink.reset()
  const startedAt = performance.now()
  const delivered = await child(name, 'deliver', events, sink.origin)
  const seen = sink.seen()
  if (seen.events < events) throw new Error(`${name} delivered ${seen.events} of ${events} events`)
  into.cpuMicroseconds.push(delivered.cpuMicroseconds)
  into.eventsPerSecond.push((events * 1000) / (seen.lastAt - startedAt - delivered.startUpMs))
  if (WITHOUT_QUEUE.includes(name)) {
    into.callNs.push(delivered.callNs)
    return
  }
  const held = await child(name, 'queue', queued, sink.origin)
  into.callNs.push(held.callNs)
  into.bytesPerEvent.push(held.bytesPerEvent)
}

async function child(name: string, task: string, events: number, origin: string): Promise<Measured> {
  const args = ['--expose-gc', '--import', 'tsx', CHILD, name, task, String(events), origin]
  const { stdout } = await run(process.execPath, args, { timeout: 180_000, maxBuffer: 2 ** 26 })
  const line = stdout.trim().split('\n').at(-1)
  return JSON.parse(line ?? '') as Measured
}

function report(
  figures: ReadonlyMap<string, Figures>,
  sizes: ReadonlyMap<string, Size>,
  { rounds, events, queued }: Omit<ClientBenchOptions, 'isKept'>,
): string {
  const cell = (values: readonly number[], digits: number) =>
    values.length === 0 ? '–' : shown(spreadOf(values) satisfies Spread, digits)
  const rows = [...figures].map(([name, each]) => {
    const size = sizes.get(name)!
    return [
      name,
      cell(each.callNs, 0),
      cell(each.eventsPerSecond, 0),
      cell(each.cpuMicroseconds, 1),
      cell(each.bytesPerEvent, 0),
      `${(size.installBytes / 1024).toFixed(0)} kB in ${size.packages}`,
      `${(size.bundleGzipBytes / 1024).toFixed(1)} kB`,
    ]
  })
  return [
    `${new Date().toISOString().slice(0, 10)}, ${machine()}; ${rounds} rounds in shuffled order, each library in a process ` +
      `of its own against one local sink; ${events} events delivered, ${queued} queued; median (least–most).`,
    table(
      ['', 'call, ns', 'events/s', 'CPU µs/event', 'heap B/queued event', 'install, packages', 'bundle, min+gz'],
      rows,
    ),
  ].join('\n\n')
}

const HEAD = `# The client beside its peers

\`pnpm bench client --keep\` writes this page. Each library has its own default settings, but for the address and a queue
large enough that none of them drops. The call is the median over groups of a hundred while nothing is sent; events/s runs
from the first call to the last event's arrival; CPU is that of the process until the library says that it is done.
mixpanel has no queue, each call is a request; RudderStack turns its whole queue into JSON at each call: these two were given
${WITHOUT_QUEUE_EVENTS} events.
`

function write(text: string, figures: ReadonlyMap<string, Figures>, sizes: ReadonlyMap<string, Size>): void {
  const folder = fileURLToPath(new URL('../../../../docs/benchmarks/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}client.md`, `${HEAD}\n${text}\n`)
  const all = Object.fromEntries([...figures].map(([name, each]) => [name, { ...each, ...sizes.get(name)! }]))
  writeFileSync(`${folder}client.json`, `${JSON.stringify(all, null, 2)}\n`)
}
