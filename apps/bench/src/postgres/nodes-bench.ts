import { fire, type Kind, type Load, startTarget, type Target, TRACK } from '../server/http-bench.ts'
import { ratios, shuffled, type Spread, spreadOf } from '../statistics.ts'
import type { BenchDatabase } from './database.ts'

const COUNTS = [1, 2, 3] as const
interface SharedLoad {
  readonly name: string
  /** To all servers together. */
  readonly connections: number
  /** Events a second, of all servers together; absent: as many as go through. */
  readonly rate?: number
  /** A user is always sent to the same server, as load balancers can. */
  readonly isSticky?: boolean
}

/** Not counted: what the servers of the load before have written is read anew, once. */
const WARM_UP_SECONDS = 2

/** Little, where a group is a turn or two and more servers make it one; and much, where groups are large on any number of them. */
const SHARED: readonly SharedLoad[] = [
  { name: '192 connections, as much as goes through', connections: 192 },
  { name: 'the same, each user at one server', connections: 192, isSticky: true },
  { name: 'held at about 2,400 events/s', connections: 64, rate: 2_400 },
]

export interface NodesFigures {
  readonly load: string
  readonly nodes: number
  readonly eventsPerSecond: Spread
  /** Of the servers and of PostgreSQL, for one event. Microseconds. */
  readonly nodeMicroseconds: Spread
  readonly postgresMicroseconds: Spread
  /** Of both, to one server. */
  readonly toOne: Spread
  /** The same of bare servers: what it costs that there are more processes, whatever they do. */
  readonly bareToOne: Spread
}

interface Cost {
  readonly rate: number
  readonly node: number
  readonly postgres: number
}

/** The same load on one, two and three servers: the same connections in all, and where it is held, the same events a second. */
export async function runNodesBench(
  database: BenchDatabase,
  rounds: number,
  seconds: number,
  onProgress: (line: string) => void,
): Promise<NodesFigures[]> {
  const targets = new Map<Kind, Target[]>([
    ['bare', []],
    ['postgres', []],
  ])
  const measured = new Map<string, Cost[]>()
  try {
    for (const [kind, list] of targets)
      for (const _ of COUNTS) {
        const target = await startTarget(kind, database.url)
        list.push(target)
        await fire(target, TRACK, 4)
      }
    for (let round = 0; round < rounds; round++) {
      for (const load of SHARED) {
        for (const count of shuffled(COUNTS)) {
          for (const [kind, list] of targets) {
            await share(list.slice(0, count), load, WARM_UP_SECONDS, database)
            const cost = await share(list.slice(0, count), load, seconds, database)
            const key = `${kind} ${load.name} ${count}`
            measured.set(key, [...(measured.get(key) ?? []), cost])
            onProgress(
              `round ${round + 1}/${rounds}  ${load.name}  ${count} × ${kind}: ${Math.round(cost.rate)} events/s, ${cost.node.toFixed(0)} + ${cost.postgres.toFixed(0)} µs each`,
            )
          }
        }
      }
    }
  } finally {
    for (const target of [...targets.values()].flat()) await target.stop()
  }
  return SHARED.flatMap(({ name }) => {
    const of = (count: number, kind: Kind = 'postgres') => measured.get(`${kind} ${name} ${count}`)!
    const both = (count: number) => of(count).map(({ node, postgres }) => node + postgres)
    const bare = (count: number) => of(count, 'bare').map(({ node }) => node)
    return COUNTS.map((nodes) => ({
      load: name,
      nodes,
      eventsPerSecond: spreadOf(of(nodes).map(({ rate }) => rate)),
      nodeMicroseconds: spreadOf(of(nodes).map(({ node }) => node)),
      postgresMicroseconds: spreadOf(of(nodes).map(({ postgres }) => postgres)),
      toOne: ratios(both(nodes), both(1)),
      bareToOne: ratios(bare(nodes), bare(1)),
    }))
  })
}

async function share(
  targets: readonly Target[],
  { connections, rate: held, isSticky = false }: SharedLoad,
  seconds: number,
  database: BenchDatabase,
): Promise<Cost> {
  const load = (own: number): Load => ({
    ...TRACK,
    connections: Math.round(connections / targets.length),
    shots: isSticky ? TRACK.shots.filter((_, index) => index % targets.length === own) : TRACK.shots,
  })
  const before = database.usage()
  // Each connection asks, and rests until it is its turn again.
  const restMs = held === undefined ? undefined : Math.round((1_000 * connections) / held)
  const fired = await Promise.all(targets.map((target, own) => fire(target, load(own), seconds, restMs)))
  const rate = fired.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0)
  const node = fired.reduce((sum, one) => sum + one.serverMicroseconds * one.requestsPerSecond, 0) / rate
  return { rate, node, postgres: (database.usage() - before) / (rate * seconds) }
}
