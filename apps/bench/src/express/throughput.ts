import { createVisitors } from '@damson/core/web'
import autocannon from 'autocannon'
import type { Sink } from '../client/sink.ts'
import { ratios, shuffled, spreadOf, type Spread } from '../statistics.ts'
import { startTarget, type Target } from './child.ts'
import { LIBRARIES, type LibraryName } from './libraries.ts'

export interface ThroughputFigures {
  readonly name: LibraryName
  readonly requestsPerSecond: Spread
  /** Of the requests that the bare app answers in the same round. */
  readonly toBare: Spread
  /** Of the app's process, until everything was delivered, less that of the bare app in the same round. Microseconds each. */
  readonly addedCpuMicroseconds: Spread
  /** Of the events tracked, how many arrived. */
  readonly arrived: number
}

export interface ThroughputOptions {
  readonly rounds: number
  /** Requests to each app in each round. Counted, not timed: on a busy machine all apps still do the same. */
  readonly amount: number
  onProgress(line: string): void
}

const CONNECTIONS = 32
const PEOPLE = 500
/** How many rounds' worth go first: by then code is compiled and every cookie was seen. */
const WARM_UP = 3

/** All libraries at once, each in a process of its own, loaded one after the other in shuffled rounds. */
export async function measureThroughput(
  sink: Sink,
  { rounds, amount, onProgress }: ThroughputOptions,
): Promise<readonly ThroughputFigures[]> {
  const targets = await Promise.all(
    Object.keys(LIBRARIES).map((name) => startTarget(name as LibraryName, sink.origin, 'roomy')),
  )
  const requests = await peoplesRequests()
  const rates = new Map<LibraryName, number[]>()
  const cpus = new Map<LibraryName, number[]>()
  const counts = new Map<LibraryName, { tracked: number; arrived: number }>()
  try {
    for (const target of targets) await fire(target, requests, WARM_UP * amount)
    for (let round = 1; round <= rounds; round += 1) {
      for (const target of shuffled(targets)) {
        const { name } = target
        await target.account()
        sink.reset()
        const rate = await fire(target, requests, amount)
        const { cpuMicroseconds } = await target.account()
        push(rates, name, rate)
        push(cpus, name, cpuMicroseconds / amount)
        const count = counts.get(name) ?? { tracked: 0, arrived: 0 }
        counts.set(name, { tracked: count.tracked + amount, arrived: count.arrived + sink.seen().events })
        onProgress(`round ${round} of ${rounds}: ${name} ${Math.round(rate)} requests/s`)
      }
    }
  } finally {
    for (const target of targets) target.stop()
  }
  return targets.map(({ name }) => ({
    name,
    requestsPerSecond: spreadOf(rates.get(name)!),
    toBare: ratios(rates.get(name)!, rates.get('bare')!),
    addedCpuMicroseconds: spreadOf(cpus.get(name)!.map((each, round) => each - cpus.get('bare')![round]!)),
    arrived: counts.get(name)!.arrived / counts.get(name)!.tracked,
  }))
}

/** Signed-in people with a visitor's cookie of ours, which the others have to read past as any other cookie. */
async function peoplesRequests(): Promise<autocannon.Request[]> {
  const visitors = createVisitors({ secrets: ['a secret of thirty-two characters'] })
  return Promise.all(
    Array.from({ length: PEOPLE }, async (_, index) => {
      const cookie = (await visitors.cookieFor({ ...visitors.issue(), hasSignedIn: true })).split(';', 1)[0] ?? ''
      return { method: 'GET' as const, path: `/items/${index % 50}`, headers: { 'x-user': `user-${index}`, cookie } }
    }),
  )
}

/** @returns requests per second, from the first answer to the last: autocannon itself ends at the next whole second. */
async function fire({ name, port }: Target, requests: autocannon.Request[], amount: number): Promise<number> {
  const url = `http://127.0.0.1:${port}`
  let first = 0
  let last = 0
  const { errors, non2xx } = await new Promise<autocannon.Result>((resolve, reject) => {
    autocannon({ url, connections: CONNECTIONS, amount, requests }, (error, result) => {
      if (error) reject(error as Error)
      else resolve(result)
    }).on('response', () => {
      last = performance.now()
      first ||= last
    })
  })
  if (errors > 0 || non2xx > 0) throw new Error(`${name}: ${errors} errors, ${non2xx} refusals`)
  return (1_000 * (amount - 1)) / (last - first)
}

function push(map: Map<LibraryName, number[]>, name: LibraryName, value: number): void {
  map.set(name, [...(map.get(name) ?? []), value])
}
