import { createVisitors } from '@damson/core/web'
import type { Sink } from '../client/sink.ts'
import { fireVolley, type Shot } from '../generator.ts'
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
  /** How long each app is asked in each round. */
  readonly seconds: number
  onProgress(line: string): void
}

const CONNECTIONS = 32
const PEOPLE = 500
/** How many rounds' worth go first: by then code is compiled and every cookie was seen. */
const WARM_UP = 3

/** All libraries at once, each in a process of its own, loaded one after the other in shuffled rounds. */
export async function measureThroughput(
  sink: Sink,
  { rounds, seconds, onProgress }: ThroughputOptions,
): Promise<readonly ThroughputFigures[]> {
  const targets = await Promise.all(
    Object.keys(LIBRARIES).map((name) => startTarget(name as LibraryName, sink.origin, 'roomy')),
  )
  const shots = await peoplesRequests()
  const rates = new Map<LibraryName, number[]>()
  const cpus = new Map<LibraryName, number[]>()
  const counts = new Map<LibraryName, { tracked: number; arrived: number }>()
  try {
    for (const target of targets) await fire(target, shots, WARM_UP * seconds)
    for (let round = 1; round <= rounds; round += 1) {
      for (const target of shuffled(targets)) {
        const { name } = target
        await target.account()
        sink.reset()
        const { requests, requestsPerSecond } = await fire(target, shots, seconds)
        const { cpuMicroseconds, tracked } = await target.account()
        push(rates, name, requestsPerSecond)
        push(cpus, name, cpuMicroseconds / requests)
        const count = counts.get(name) ?? { tracked: 0, arrived: 0 }
        counts.set(name, { tracked: count.tracked + tracked, arrived: count.arrived + sink.seen().events })
        onProgress(`round ${round} of ${rounds}: ${name} ${Math.round(requestsPerSecond)} requests/s`)
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
async function peoplesRequests(): Promise<readonly Shot[]> {
  const visitors = createVisitors({ secrets: ['a secret of thirty-two characters'] })
  return Promise.all(
    Array.from({ length: PEOPLE }, async (_, index) => {
      const cookie = (await visitors.cookieFor({ ...visitors.issue(), hasSignedIn: true })).split(';', 1)[0] ?? ''
      return { method: 'GET' as const, path: `/items/${index % 50}`, headers: { 'x-user': `user-${index}`, cookie } }
    }),
  )
}

function fire({ port }: Target, shots: readonly Shot[], seconds: number): ReturnType<typeof fireVolley> {
  return fireVolley({ origin: `http://127.0.0.1:${port}`, connections: CONNECTIONS, seconds, shots })
}

function push(map: Map<LibraryName, number[]>, name: LibraryName, value: number): void {
  map.set(name, [...(map.get(name) ?? []), value])
}
