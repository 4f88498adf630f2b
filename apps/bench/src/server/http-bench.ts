import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { ratios, shuffled, type Spread, spreadOf } from '../statistics.ts'
import { multiBodies, numberedTrackBodies, trackBodies } from './bodies.ts'

/** Not counted: the first requests meet code that is not compiled yet and users nobody knows. */
const WARM_UP_SECONDS = 6

type Kind = 'bare' | 'memory' | 'sqlite'
const KINDS: readonly Kind[] = ['bare', 'memory', 'sqlite']

interface Load {
  readonly name: string
  readonly connections: number
  /** Bodies that are sent again and again, or, where each goes out once, a source of them. */
  readonly bodies: readonly string[] | (() => Generator<string, never>)
}

const LOADS: readonly Load[] = [
  { name: 'track', connections: 64, bodies: trackBodies() },
  { name: 'track with message ids', connections: 64, bodies: numberedTrackBodies },
  { name: 'track, 4 connections', connections: 4, bodies: trackBodies() },
  { name: 'multi, 50 users × 10 actions', connections: 8, bodies: multiBodies() },
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
  /** Processor time of a request, all threads of the server together. Microseconds; the median. */
  readonly processorMicroseconds: Readonly<Record<Kind | 'generator', number>>
}

interface Target {
  readonly url: string
  /** Processor time used so far. Microseconds. */
  usage(): Promise<number>
  stop(): Promise<void>
}

/** Starts a target in a process of its own; its data lies in a folder that goes with it. */
async function startTarget(kind: Kind): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), 'damson-bench-'))
  const child = fork(fileURLToPath(new URL('./target.ts', import.meta.url)), [kind, folder], {
    // As `npm start` runs it, and the same for every target.
    execArgv: ['--max-semi-space-size=64', '--no-allocation-site-pretenuring', '--import', 'tsx'],
  })
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { port: number }).port))
    child.once('exit', (code) => reject(new Error(`the ${kind} target ended with ${code} before it listened`)))
  })
  return {
    url: `http://127.0.0.1:${port}/api`,
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

interface Fired {
  readonly requestsPerSecond: number
  readonly p99Ms: number
  /** Processor time of one request. Microseconds. */
  readonly serverMicroseconds: number
  readonly generatorMicroseconds: number
}

async function fire(target: Target, load: Load, seconds: number, rate?: number): Promise<Fired> {
  const { connections } = load
  const [server, generator] = [await target.usage(), process.cpuUsage()]
  const result = await autocannon({
    url: target.url,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    connections,
    duration: seconds,
    ...(rate !== undefined && { overallRate: rate }),
    setupClient: feeder(load, rate !== undefined),
  })
  const { errors, non2xx, requests, latency } = result
  if (errors > 0 || non2xx > 0) throw new Error(`${errors} errors, ${non2xx} refusals at ${target.url}`)
  const { user, system } = process.cpuUsage(generator)
  return {
    requestsPerSecond: requests.average,
    p99Ms: latency.p99,
    serverMicroseconds: ((await target.usage()) - server) / requests.total,
    generatorMicroseconds: (user + system) / requests.total,
  }
}

/**
 * Gives each connection its bodies. Those that may go out twice are written down before: the generator is not what is measured.
 * Held at a rate it then sends in bursts (bare itself had a p99 of 87 ms), so there each body is set when the one before is answered.
 */
function feeder({ bodies, connections }: Load, isHeld: boolean): (client: autocannon.Client) => void {
  if (typeof bodies === 'function' || isHeld) {
    const source = typeof bodies === 'function' ? bodies() : again(bodies)
    return (client) => {
      client.setBody(source.next().value)
      client.on('response', () => client.setBody(source.next().value))
    }
  }
  let connection = 0
  return (client) => {
    const own = connection++
    client.setRequests(bodies.filter((_, index) => index % connections === own).map((body) => ({ body })))
  }
}

function* again(bodies: readonly string[]): Generator<string, never> {
  for (;;) yield* bodies
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
  const costs = new Map<string, number[]>()
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
          const fired = await fire(targets.get(kind)!, load, seconds)
          push(rates, `${kind} ${load.name}`, fired.requestsPerSecond)
          push(latencies, `${kind} ${load.name}`, fired.p99Ms)
          push(costs, `${kind} ${load.name}`, fired.serverMicroseconds)
          push(costs, `generator ${load.name}`, fired.generatorMicroseconds)
          const { requestsPerSecond, p99Ms, serverMicroseconds } = fired
          onProgress(
            `round ${round + 1}/${rounds}  ${load.name}  ${kind}: ${Math.round(requestsPerSecond)} requests/s, p99 ${p99Ms} ms, ${Math.round(serverMicroseconds)} µs each`,
          )
        }
      }
    }
    const [track] = LOADS
    const half = Math.round(spreadOf(rates.get(`sqlite ${track!.name}`)!).median / 2)
    const halves: number[] = []
    for (let round = 0; round < rounds; round++) {
      halves.push((await fire(targets.get('sqlite')!, track!, seconds, half)).p99Ms)
      onProgress(`half of peak (${half} requests/s): p99 ${halves.at(-1)} ms`)
    }
    return {
      loads: LOADS.map(({ name }) => figures(name, rates, latencies, costs)),
      p99AtHalfOfPeakMs: spreadOf(halves),
    }
  } finally {
    for (const target of targets.values()) await target.stop()
  }
}

type Measured = ReadonlyMap<string, readonly number[]>

function figures(load: string, rates: Measured, latencies: Measured, costs: Measured): HttpFigures {
  const of = (kind: Kind) => rates.get(`${kind} ${load}`)!
  const cost = (of: Kind | 'generator') => spreadOf(costs.get(`${of} ${load}`)!).median
  return {
    load,
    bareRequestsPerSecond: spreadOf(of('bare')),
    requestsPerSecond: spreadOf(of('sqlite')),
    p99Ms: spreadOf(latencies.get(`sqlite ${load}`)!),
    toBare: ratios(of('sqlite'), of('bare')),
    toMemory: ratios(of('sqlite'), of('memory')),
    processorMicroseconds: {
      bare: cost('bare'),
      memory: cost('memory'),
      sqlite: cost('sqlite'),
      generator: cost('generator'),
    },
  }
}

function push(map: Map<string, number[]>, key: string, value: number): void {
  map.set(key, [...(map.get(key) ?? []), value])
}
