import { keep, machine, shown, table } from '../report.ts'
import { spreadOf } from '../statistics.ts'
import { GENERATOR } from '../generator.ts'
import { LOADS, runHttpBench } from './http-bench.ts'
import { runRawBench } from './raw-bench.ts'
import { runSessionsBench } from './sessions-bench.ts'

export interface ServerBenchOptions {
  readonly rounds: number
  readonly seconds: number
  readonly sessions: number
  /** Whether the page and the JSON file are written. */
  readonly isKept: boolean
}

const ACTIONS_PER_MULTI = 500

/** The server against a bare one, in one run; prints a table, and keeps it if asked to. */
export async function runServerBench({ rounds, seconds, sessions, isKept }: ServerBenchOptions): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const http = await runHttpBench({ rounds, seconds, loads: LOADS, durable: 'sqlite', onProgress: say })
  const raw = runRawBench(rounds, 1)
  say(`raw group insert: ${Math.round(raw.median)} rows/s`)
  const live = await runSessionsBench(sessions, say)

  const multi = http.loads.find(({ load }) => load.startsWith('multi'))!
  const toRaw = (multi.requestsPerSecond.median * ACTIONS_PER_MULTI) / raw.median
  const rows = http.loads.map(({ load, bareRequestsPerSecond, requestsPerSecond, p99Ms, toBare, toMemory }) => [
    load,
    String(Math.round(bareRequestsPerSecond.median)),
    String(Math.round(requestsPerSecond.median)),
    shown(toBare),
    shown(toMemory),
    shown(p99Ms, 0),
  ])
  const costs = http.loads.map(({ load, processorMicroseconds: { bare, memory, durable } }) => [
    load,
    ...[bare, memory, durable].map((microseconds) => microseconds.toFixed(0)),
    `**${(bare / durable).toFixed(2)}**`,
  ])
  const text = [
    `${new Date().toISOString().slice(0, 10)}, ${machine()}; load generator (${GENERATOR}) on the same machine, ${rounds} rounds of ${seconds} s each, interleaved; median (least–most).`,
    table(
      [
        'load',
        'bare requests/s',
        'ours, durable',
        'ratio to bare',
        'ratio to ours with storage off',
        'p99 ms, saturated',
      ],
      rows,
    ),
    'Processor time of one request, all threads together, in microseconds; the median. It depends less on what else the machine does.',
    table(['load', 'bare', 'ours, storage off', 'ours, durable', 'bare to ours'], costs),
    table(
      ['measured', 'figure'],
      [
        [
          `p99 of \`track\` at ${Math.round(http.half.requestsPerSecond.median)} requests/s, about half of peak`,
          `${shown(http.half.p99Ms, 0)} ms`,
        ],
        ['p99 of bare under the same load', `${shown(http.half.bareP99Ms, 0)} ms`],
        ['raw group insert, 600-byte rows, 500 a group, durable', `${Math.round(raw.median)} rows/s`],
        ['durable actions of `multi` to rows of the raw insert', toRaw.toFixed(2)],
        [
          `memory of the process with ${live.sessions.toLocaleString('en')} live sessions`,
          `${Math.round(live.rssMb)} MB`,
        ],
        ['disk for them', `${Math.round(live.diskMb)} MB`],
        ['starting one, durable', `${live.startMicroseconds.toFixed(1)} µs`],
        ['ending one by the sweeper, durable', `${live.expireMicroseconds.toFixed(1)} µs`],
        ['start-up with an empty folder', `${Math.round(live.emptyStartUpMs)} ms`],
        ['start-up on top of all these sessions', `${Math.round(live.startUpMs)} ms`],
      ],
    ),
  ].join('\n\n')
  process.stdout.write(`${text}\n`)
  if (isKept)
    keep('server', text, {
      machine: machine(),
      date: new Date().toISOString(),
      rounds,
      seconds,
      http,
      raw,
      live,
      toRaw: spreadOf([toRaw]),
    })
}
