import { fire, startTarget, TRACK } from '../server/http-bench.ts'
import { ratios, type Spread, spreadOf } from '../statistics.ts'
import type { BenchDatabase } from './database.ts'

const FIRST = 10_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export interface GrowthFigures {
  /** Events in the table of history before the measurement. */
  readonly events: number
  readonly eventsPerSecond: Spread
  readonly nodeMicroseconds: Spread
  readonly postgresMicroseconds: Spread
  /** Requests a second to those of the bare server in the same round. */
  readonly toBare: Spread
  /** Processor time of node and PostgreSQL for one event, to that with the fewest events. */
  readonly toFirst: Spread
}

/** What one more event costs while history grows: 10,000 events, then ten, then a hundred times as many, up to `most`. */
export async function runGrowthBench(
  database: BenchDatabase,
  options: { readonly rounds: number; readonly seconds: number; readonly most: number },
  onProgress: (line: string) => void,
): Promise<GrowthFigures[]> {
  const { rounds, seconds, most } = options
  const [bare, ours] = [await startTarget('bare'), await startTarget('postgres', database.url)]
  const figures: GrowthFigures[] = []
  let first: readonly number[] = []
  try {
    await fire(bare, TRACK, 3)
    // Every user of the load has a profile from here on, and an event or more.
    await fire(ours, TRACK, 8)
    for (const wanted of [FIRST, 10 * FIRST, 100 * FIRST, most].filter((count) => count <= most)) {
      let events = 0
      const rates: number[] = []
      const bareRates: number[] = []
      const node: number[] = []
      const postgres: number[] = []
      for (let round = 0; round < rounds; round++) {
        // What the round before has added is taken away again, where it is much.
        events = await fill(database, wanted)
        onProgress(`${events} events stored`)
        bareRates.push((await fire(bare, TRACK, seconds)).requestsPerSecond)
        const before = database.usage()
        const { requestsPerSecond, serverMicroseconds } = await fire(ours, TRACK, seconds)
        rates.push(requestsPerSecond)
        node.push(serverMicroseconds)
        postgres.push((database.usage() - before) / (requestsPerSecond * seconds))
        onProgress(
          `  round ${round + 1}/${rounds}: ${Math.round(requestsPerSecond)} events/s, ${Math.round(node.at(-1)!)} + ${Math.round(postgres.at(-1)!)} µs each`,
        )
      }
      const costs = node.map((cost, index) => cost + postgres[index]!)
      if (first.length === 0) first = costs
      figures.push({
        events,
        eventsPerSecond: spreadOf(rates),
        nodeMicroseconds: spreadOf(node),
        postgresMicroseconds: spreadOf(postgres),
        toBare: ratios(rates, bareRates),
        toFirst: ratios(costs, first),
      })
    }
  } finally {
    await bare.stop()
    await ours.stop()
  }
  return figures
}

/**
 * Leaves about so many events in the history, made of those that are there: the same users and texts, other ids, earlier the
 * same day. All of them lie in the partition that new ones go to, which is the worst that can be.
 */
async function fill({ ask }: BenchDatabase, wanted: number): Promise<number> {
  const count = async () => Number((await ask('SELECT count(*)::int AS count FROM entries'))[0]?.count)
  const before = await count()
  if (before > 1.5 * wanted) {
    await ask(`CREATE TEMP TABLE kept AS SELECT * FROM entries LIMIT ${wanted}; TRUNCATE entries;
      INSERT INTO entries SELECT * FROM kept`)
  }
  if (before < wanted) {
    const [newest] = await ask('SELECT max(day) AS day FROM entries')
    const day = Number(newest?.day)
    await ask(`INSERT INTO entries (bucket, app_id, user_id, id, day, data)
      SELECT bucket, app_id, user_id,
        (lpad(to_hex(${day * DAY_MS} + (random() * ${HOUR_MS})::bigint), 12, '0') || right(md5(random()::text), 20))::uuid,
        day, data
      FROM (SELECT * FROM entries WHERE day = ${day} LIMIT ${FIRST}) AS samples
      CROSS JOIN generate_series(1, ${Math.ceil(wanted / FIRST)}) LIMIT ${wanted - before}`)
  }
  if (before >= wanted && before <= 1.5 * wanted) return before
  await ask('VACUUM ANALYZE entries')
  await ask('CHECKPOINT')
  return count()
}
