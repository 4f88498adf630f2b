import { fire, type Load, startTarget, type Target, TRACK } from '../server/http-bench.ts'
import { ratios, shuffled, type Spread, spreadOf } from '../statistics.ts'
import { postgresUsage } from './database.ts'

const COUNTS = [1, 2, 3] as const
interface SharedLoad {
  readonly name: string
  /** To all nodes together. */
  readonly connections: number
  /** Events a second, of all nodes together; absent: as many as go through. */
  readonly rate?: number
}

/** Little, where a group is a turn or two and more nodes make it one; and much, where groups are large on any number of nodes. */
const SHARED: readonly SharedLoad[] = [
  { name: '192 connections, as much as goes through', connections: 192 },
  { name: 'held at about 2,400 events/s', connections: 64, rate: 2_400 },
]

export interface NodesFigures {
  readonly load: string
  readonly nodes: number
  readonly eventsPerSecond: Spread
  /** Of the nodes and of PostgreSQL, for one event. Microseconds. */
  readonly nodeMicroseconds: Spread
  readonly postgresMicroseconds: Spread
  /** Of both, to one node. */
  readonly toOne: Spread
}

/** The same load on one, two and three servers: the same connections in all, and where it is held, the same events a second. */
export async function runNodesBench(
  url: string,
  rounds: number,
  seconds: number,
  onProgress: (line: string) => void,
): Promise<NodesFigures[]> {
  const targets: Target[] = []
  for (const _ of COUNTS) targets.push(await startTarget('postgres', url))
  const measured = new Map<string, { rate: number; node: number; postgres: number }[]>()
  try {
    for (const target of targets) await fire(target, TRACK, 4)
    for (let round = 0; round < rounds; round++) {
      for (const load of SHARED) {
        for (const count of shuffled(COUNTS)) {
          const cost = await share(targets.slice(0, count), load, seconds)
          const key = `${load.name} ${count}`
          measured.set(key, [...(measured.get(key) ?? []), cost])
          onProgress(
            `round ${round + 1}/${rounds}  ${load.name}  ${count} nodes: ${Math.round(cost.rate)} events/s, ${cost.node.toFixed(0)} + ${cost.postgres.toFixed(0)} µs each`,
          )
        }
      }
    }
  } finally {
    for (const target of targets) await target.stop()
  }
  return SHARED.flatMap(({ name }) => {
    const of = (count: number) => measured.get(`${name} ${count}`)!
    const both = (count: number) => of(count).map(({ node, postgres }) => node + postgres)
    return COUNTS.map((nodes) => ({
      load: name,
      nodes,
      eventsPerSecond: spreadOf(of(nodes).map(({ rate }) => rate)),
      nodeMicroseconds: spreadOf(of(nodes).map(({ node }) => node)),
      postgresMicroseconds: spreadOf(of(nodes).map(({ postgres }) => postgres)),
      toOne: ratios(both(nodes), both(1)),
    }))
  })
}

async function share(targets: readonly Target[], { connections, rate: held }: SharedLoad, seconds: number) {
  const load: Load = { ...TRACK, connections: Math.round(connections / targets.length) }
  const before = postgresUsage()
  // Each connection asks, and rests until it is its turn again.
  const restMs = held === undefined ? undefined : Math.round((1_000 * connections) / held)
  const fired = await Promise.all(targets.map((target) => fire(target, load, seconds, restMs)))
  const rate = fired.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0)
  const node = fired.reduce((sum, one) => sum + one.serverMicroseconds * one.requestsPerSecond, 0) / rate
  return { rate, node, postgres: (postgresUsage() - before) / (rate * seconds) }
}
