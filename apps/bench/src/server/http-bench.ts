import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fireVolley, type Shot } from '../generator.ts'
import { ratios, shuffled, type Spread, spreadOf } from '../statistics.ts'
import { multiBodies, numberedTrackBodies, trackBodies } from './bodies.ts'

/** Not counted: the first requests meet code that is not compiled yet and users nobody knows. */
const WARM_UP_SECONDS = 6

/** The last two are ours with everything on. */
export type Durable = 'sqlite' | 'postgres'
export type Kind = 'bare' | 'memory' | Durable

export interface Load {
  readonly name: string
  readonly connections: number
  readonly shots: readonly Shot[]
}

function posts(bodies: readonly string[]): readonly Shot[] {
  const headers = { 'content-type': 'application/json' }
  return bodies.map((body) => ({ method: 'POST', path: '/api', headers, body }))
}

export const TRACK: Load = { name: 'track', connections: 64, shots: posts(trackBodies()) }
export const LOADS: readonly Load[] = [
  TRACK,
  { name: 'track with message ids', connections: 64, shots: posts(numberedTrackBodies()) },
  { name: 'track, 4 connections', connections: 4, shots: posts(trackBodies()) },
  { name: 'multi, 50 users × 10 actions', connections: 8, shots: posts(multiBodies()) },
]

export interface HttpFigures {
  readonly load: string
  readonly bareRequestsPerSecond: Spread
  readonly requestsPerSecond: Spread
  readonly p99Ms: Spread
  /** Ours with everything on to bare `node:http`. */
  readonly toBare: Spread
  /** Ours with everything on to ours with storage off. */
  readonly toMemory: Spread
  /** Processor time of a request, all threads of the server together. Microseconds; the median. */
  readonly processorMicroseconds: Readonly<Record<'bare' | 'memory' | 'durable', number>>
}

export interface Target {
  readonly origin: string
  /** Processor time used so far. Microseconds. */
  usage(): Promise<number>
  stop(): Promise<void>
}

/** Starts a target in a process of its own; its data lies in a folder that goes with it, or in a database that is there. */
export async function startTarget(kind: Kind, database = ''): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'damson-bench-'))
  const child = fork(fileURLToPath(new URL('./target.ts', import.meta.url)), [kind, folder, database], {
    // As `npm start` runs it, and the same for every target.
    execArgv: ['--max-semi-space-size=64', '--no-allocation-site-pretenuring', '--import', 'tsx'],
  })
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { port: number }).port))
    child.once('exit', (code) => reject(new Error(`the ${kind} target ended with ${code} before it listened`)))
  })
  return {
    origin: `http://127.0.0.1:${port}`,
    usage: () =>
      new Promise((resolve) => {
        child.once('message', (message) => resolve((message as { microseconds: number }).microseconds))
        child.send('usage')
      }),
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

export interface Fired {
  readonly requestsPerSecond: number
  readonly p99Ms: number
  /** Processor time of one request. Microseconds. */
  readonly serverMicroseconds: number
}

/** @param restMs how long each connection rests between two requests; absent: not at all */
export async function fire(
  target: Target,
  { connections, shots }: Load,
  seconds: number,
  restMs?: number,
): Promise<Fired> {
  const before = await target.usage()
  const rest = restMs === undefined ? {} : { restMs }
  const { requests, ...impact } = await fireVolley({ origin: target.origin, connections, seconds, shots, ...rest })
  return { ...impact, serverMicroseconds: ((await target.usage()) - before) / requests }
}

export interface HttpBenchOptions {
  readonly rounds: number
  readonly seconds: number
  readonly loads: readonly Load[]
  readonly durable: Durable
  /** Where everything is, if it is in PostgreSQL. */
  readonly database?: string
  /** Hears of each measurement as it is made. */
  onProgress(line: string): void
}

/** All targets under all loads, in rounds, in a different order each round. */
export async function runHttpBench(options: HttpBenchOptions): Promise<{
  readonly loads: readonly HttpFigures[]
  readonly half: HalfOfPeak
}> {
  const { rounds, seconds, loads, durable, database, onProgress } = options
  const kinds: readonly Kind[] = ['bare', 'memory', durable]
  const rates = new Map<string, number[]>()
  const latencies = new Map<string, number[]>()
  const costs = new Map<string, number[]>()
  const targets = new Map<Kind, Target>()
  for (const kind of kinds) targets.set(kind, await startTarget(kind, database))
  try {
    for (const load of loads) {
      for (const kind of kinds) {
        onProgress(`warming up: ${load.name}, ${kind}`)
        await fire(targets.get(kind)!, load, WARM_UP_SECONDS)
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const load of loads) {
        for (const kind of shuffled(kinds)) {
          const fired = await fire(targets.get(kind)!, load, seconds)
          push(rates, `${kind} ${load.name}`, fired.requestsPerSecond)
          push(latencies, `${kind} ${load.name}`, fired.p99Ms)
          push(costs, `${kind} ${load.name}`, fired.serverMicroseconds)
          const { requestsPerSecond, p99Ms, serverMicroseconds } = fired
          onProgress(
            `round ${round + 1}/${rounds}  ${load.name}  ${kind}: ${Math.round(requestsPerSecond)} requests/s, p99 ${p99Ms} ms, ${Math.round(serverMicroseconds)} µs each`,
          )
        }
      }
    }
    return {
      loads: loads.map(({ name }) => figures(name, durable, rates, latencies, costs)),
      half: await fireAtHalf(targets, spreadOf(rates.get(`${durable} ${TRACK.name}`)!).median / 2, options),
    }
  } finally {
    for (const target of targets.values()) await target.stop()
  }
}

/** The p99 of `track` where the server has time to spare, and that of bare under the same load. Milliseconds. */
export interface HalfOfPeak {
  readonly requestsPerSecond: Spread
  readonly p99Ms: Spread
  readonly bareP99Ms: Spread
}

async function fireAtHalf(
  targets: ReadonlyMap<Kind, Target>,
  rate: number,
  { rounds, seconds, durable, onProgress }: HttpBenchOptions,
): Promise<HalfOfPeak> {
  const restMs = (1_000 * TRACK.connections) / rate
  const ours: Fired[] = []
  const bare: Fired[] = []
  for (let round = 0; round < rounds; round++) {
    for (const kind of shuffled([durable, 'bare'] as const)) {
      const one = await fire(targets.get(kind)!, TRACK, seconds, Math.round(restMs))
      const list = kind === 'bare' ? bare : ours
      list.push(one)
      onProgress(`half of peak: ${kind}, ${Math.round(one.requestsPerSecond)} requests/s, p99 ${one.p99Ms} ms`)
    }
  }
  return {
    requestsPerSecond: spreadOf(ours.map((one) => one.requestsPerSecond)),
    p99Ms: spreadOf(ours.map((one) => one.p99Ms)),
    bareP99Ms: spreadOf(bare.map((one) => one.p99Ms)),
  }
}

type Measured = ReadonlyMap<string, readonly number[]>

function figures(load: string, durable: Durable, rates: Measured, latencies: Measured, costs: Measured): HttpFigures {
  const of = (kind: Kind) => rates.get(`${kind} ${load}`)!
  const cost = (of: Kind) => spreadOf(costs.get(`${of} ${load}`)!).median
  return {
    load,
    bareRequestsPerSecond: spreadOf(of('bare')),
    requestsPerSecond: spreadOf(of(durable)),
    p99Ms: spreadOf(latencies.get(`${durable} ${load}`)!),
    toBare: ratios(of(durable), of('bare')),
    toMemory: ratios(of(durable), of('memory')),
    processorMicroseconds: { bare: cost('bare'), memory: cost('memory'), durable: cost(durable) },
  }
}

function push(map: Map<string, number[]>, key: string, value: number): void {
  map.set(key, [...(map.get(key) ?? []), value])
}
