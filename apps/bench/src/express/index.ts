import { openSink } from '../client/sink.ts'
import { GENERATOR } from '../generator.ts'
import { keep, machine, shown, table } from '../report.ts'
import { measureOutage } from './outage.ts'
import { measureThroughput } from './throughput.ts'

export interface ExpressBenchOptions {
  readonly rounds: number
  /** How long each app is asked in each round, for what a request costs. */
  readonly seconds: number
  /** Of each app in each round, for the latency while the server is away. */
  readonly requests: number
  readonly isKept: boolean
}

/** What a middleware costs an Express app: ours beside its peers, and ours while its server is away. */
export async function runExpressBench({ rounds, seconds, requests, isKept }: ExpressBenchOptions): Promise<void> {
  const onProgress = (line: string): void => void process.stderr.write(`${line}\n`)
  const outage = await measureOutage({ rounds, requests, onProgress })
  const sink = await openSink()
  const throughput = await measureThroughput(sink, { rounds, seconds, onProgress })
  sink.close()
  const text = [
    `${new Date().toISOString().slice(0, 10)}, ${machine()}; load generator (${GENERATOR}) and sink on the same machine, ${rounds} rounds of ` +
      `${seconds} s each, shuffled; median (least–most).`,
    table(
      ['one event a request', 'requests/s', 'share of bare', 'added CPU, µs a request', 'arrived'],
      throughput.map(({ name, requestsPerSecond, toBare, addedCpuMicroseconds, arrived }) => [
        name,
        shown(requestsPerSecond, 0),
        name === 'bare' ? '1' : shown(toBare),
        name === 'bare' ? '–' : shown(addedCpuMicroseconds, 0),
        name === 'bare' ? '–' : `${(100 * arrived).toFixed(1)} %`,
      ]),
    ),
    `While the server is away, ${requests} requests of each app in each round, asked in turns:`,
    table(
      [
        'server',
        'added p99, ms',
        'of that our own CPU',
        'added median, ms',
        'answered 200',
        'memory',
        'unhandled rejections',
      ],
      outage.map(({ fault, addedP99Ms, addedCpuP99Ms, addedMedianMs, requests: answered, memoryMb, unhandled }) => [
        fault === 'down' ? 'refuses connections' : 'takes requests and never answers',
        shown(addedP99Ms),
        addedCpuP99Ms.toFixed(2),
        shown(addedMedianMs),
        `all of ${answered}`,
        `${Math.round(memoryMb)} MB`,
        String(unhandled),
      ]),
    ),
  ].join('\n\n')
  process.stdout.write(`${text}\n`)
  if (isKept)
    keep('express', text, { machine: machine(), date: new Date().toISOString(), rounds, seconds, throughput, outage })
}
