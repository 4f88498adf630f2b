import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { ratios, shuffled, type Spread, spreadOf } from '../statistics.ts'
import { multiBodies, trackBodies } from './bodies.ts'

/** Not counted: the first requests meet code that is not compiled yet and users nobody knows. */
const WARM_UP_SECONDS = 6

type Kind = 'bare' | 'memory' | 'sqlite'
const KINDS: readonly Kind[] = ['bare', 'memory', 'sqlite']

interface Load {
  readonly name: string
  readonly connections: number
  readonly bodies: () => () => string
}

const LOADS: readonly Load[] = [
  { name: 'track', connections: 64, bodies: () => trackBodies({ isNumbered: false }) },
  { name: 'track with message ids', connections: 64, bodies: () => trackBodies({ isNumbered: true }) },
  { name: 'track, 4 connections', connections: 4, bodies: () => trackBodies({ isNumbered: false }) },
  { name: 'multi, 50 users × 10 actions', connections: 8, bodies: multiBodies },
]

export interface HttpFigures {
  readonly load: string
  readonly bareRequestsPerSecond: Spread
  readonly requestsPerSecond: Spread
  readonly p99Ms: Spread
  /** Ours with SQLite to bare `node:http`. */
  readonly toBare: Spread
  /** Ours with SQLite to ours with storage off. */
  readonly toMemory: Spread
}

interface Target {
  readonly url: string
  stop(): Promise<void>
}

/** Starts a target in a process of its own; its data lies in a folder that goes with it. */
async function startTarget(kind: Kind): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'damson-bench-'))
  const child = fork(fileURLToPath(new URL('./target.ts', import.meta.url)), [kind, folder], {
    // As `npm start` runs it, and the same for every target.
    execArgv: ['--max-semi-space-size=64', '--import', 'tsx'],
  })
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { port: number }).port))
    child.once('exit', (code) => reject(new Error(`the ${kind} target ended with ${code} before it listened`)))
  })
  return {
    url: `http://127.0.0.1:${port}/api`,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => {
          rmSync(folder, { recursive: true, force: true })
          resolve()
        })
        child.send('stop')
      }),
  }
}

async function fire(
  target: Target,
  { connections, bodies }: Load,
  seconds: number,
  rate?: number,
): Promise<autocannon.Result> {
  const next = bodies()
  const result = await autocannon({
    url: target.url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    connections,
    duration: seconds,
    ...(rate !== undefined && { overallRate: rate }),
    setupClient: (client) => {
      client.setBody(next())
      client.on('response', () => client.setBody(next()))
    },
  })
  if (result.errors > 0 || result.non2xx > 0)
    throw new Error(`${result.errors} errors, ${result.non2xx} refusals at ${target.url}`)
  return result
}

export interface HttpBenchOptions {
  readonly rounds: number
  readonly seconds: number
  /** Hears of each measurement as it is made. */
  onProgress(line: string): void
}

/** All targets under all loads, in rounds, in a different order each round. */
export async function runHttpBench({ rounds, seconds, onProgress }: HttpBenchOptions): Promise<{
  readonly loads: readonly HttpFigures[]
  readonly p99AtHalfOfPeakMs: Spread
}> {
  const rates = new Map<string, number[]>()
  const latencies = new Map<string, number[]>()
  const targets = new Map<Kind, Target>()
  for (const kind of KINDS) targets.set(kind, await startTarget(kind))
  try {
    for (const load of LOADS) {
      for (const kind of KINDS) {
        onProgress(`warming up: ${load.name}, ${kind}`)
        await fire(targets.get(kind)!, load, WARM_UP_SECONDS)
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const load of LOADS) {
        for (const kind of shuffled(KINDS)) {
          const { requests, latency } = await fire(targets.get(kind)!, load, seconds)
          push(rates, `${kind} ${load.name}`, requests.average)
          push(latencies, `${kind} ${load.name}`, latency.p99)
          onProgress(
            `round ${round + 1}/${rounds}  ${load.name}  ${kind}: ${Math.round(requests.average)} requests/s, p99 ${latency.p99} ms`,
          )
        }
      }
    }
    const [track] = LOADS
    const half = Math.round(spreadOf(rates.get(`sqlite ${track!.name}`)!).median / 2)
    const halves: number[] = []
    for (let round = 0; round < rounds; round++) {
      halves.push((await fire(targets.get('sqlite')!, track!, seconds, half)).latency.p99)
      onProgress(`half of peak (${half} requests/s): p99 ${halves.at(-1)} ms`)
    }
    return { loads: LOADS.map(({ name }) => figures(name, rates, latencies)), p99AtHalfOfPeakMs: spreadOf(halves) }
  } finally {
    for (const target of targets.values()) await target.stop()
  }
}

function figures(load: string, rates: Map<string, number[]>, latencies: Map<string, number[]>): HttpFigures {
  const of = (kind: Kind) => rates.get(`${kind} ${load}`)!
  return {
    load,
    bareRequestsPerSecond: spreadOf(of('bare')),
    requestsPerSecond: spreadOf(of('sqlite')),
    p99Ms: spreadOf(latencies.get(`sqlite ${load}`)!),
    toBare: ratios(of('sqlite'), of('bare')),
    toMemory: ratios(of('sqlite'), of('memory')),
  }
}

function push(map: Map<string, number[]>, key: string, value: number): void {
  map.set(key, [...(map.get(key) ?? []), value])
}
