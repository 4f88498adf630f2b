import http from 'node:http'
import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { quantile, shuffled, spreadOf, type Spread } from '../statistics.ts'
import { startTarget, type Account, type Target } from './child.ts'

export type Fault = 'down' | 'hanging'

export interface OutageFigures {
  readonly fault: Fault
  /** p99 of the app with ours less p99 of the bare app, asked in turns in the same round. Milliseconds. */
  readonly addedP99Ms: Spread
  readonly addedMedianMs: Spread
  /** p99 of the processor time that is spent before the route begins, less that of the bare app. Milliseconds. */
  readonly addedCpuP99Ms: number
  readonly requests: number
  readonly memoryMb: number
  readonly unhandled: number
}

export interface OutageOptions {
  readonly rounds: number
  /** Of each app in each round. */
  readonly requests: number
  onProgress(line: string): void
}

/** Whoever asks. One at a time: with more, requests would wait for each other in the generator, and that is no latency of an app. */
const PEOPLE = 50

/** Ours with a server that refuses connections, ours with one that never answers, and the bare app, asked in turns. */
export async function measureOutage({
  rounds,
  requests,
  onProgress,
}: OutageOptions): Promise<readonly OutageFigures[]> {
  const silence = await listening(createServer((socket) => socket.on('error', () => undefined)))
  const origins = { down: 'http://127.0.0.1:9', hanging: `http://127.0.0.1:${(silence.address() as AddressInfo).port}` }
  const bare = await startTarget('bare', '', 'default')
  const ours = {
    down: await startTarget('@damson/express', origins.down, 'default'),
    hanging: await startTarget('@damson/express', origins.hanging, 'default'),
  }
  const targets = [bare, ours.down, ours.hanging]
  const added: Record<Fault, { p99: number[]; median: number[] }> = {
    down: { p99: [], median: [] },
    hanging: { p99: [], median: [] },
  }
  try {
    // Code that is compiled by now, and clients that have found out that nobody answers.
    await askInTurns(targets, requests)
    await Promise.all(targets.map((target) => target.account()))
    for (let round = 1; round <= rounds; round += 1) {
      const times = await askInTurns(targets, requests)
      for (const fault of ['down', 'hanging'] as const) {
        const [theirs, base] = [times.get(ours[fault])!, times.get(bare)!]
        added[fault].p99.push(quantile(theirs, 0.99) - quantile(base, 0.99))
        added[fault].median.push(quantile(theirs, 0.5) - quantile(base, 0.5))
        onProgress(
          `round ${round} of ${rounds}: ${fault}, p99 ${added[fault].p99.at(-1)!.toFixed(2)} ms more than bare`,
        )
      }
    }
    const [base, down, hanging] = await Promise.all(targets.map((target) => target.account()))
    const accounts = { down, hanging }
    return (['down', 'hanging'] as const).map((fault) =>
      figures(fault, added[fault], { account: accounts[fault]!, base: base! }, rounds * requests),
    )
  } finally {
    for (const target of targets) target.stop()
    silence.close()
  }
}

function figures(
  fault: Fault,
  { p99, median }: { readonly p99: readonly number[]; readonly median: readonly number[] },
  { account, base }: { readonly account: Account; readonly base: Account },
  requests: number,
): OutageFigures {
  const [addedP99Ms, addedMedianMs] = [spreadOf(p99), spreadOf(median)]
  const addedCpuP99Ms = (account.beforeRouteMicroseconds - base.beforeRouteMicroseconds) / 1_000
  const memoryMb = account.rssBytes / 2 ** 20
  return { fault, addedP99Ms, addedMedianMs, addedCpuP99Ms, requests, memoryMb, unhandled: account.unhandled }
}

/** Asks one app after the other, in another order each time: what disturbs one, disturbs all. */
async function askInTurns(targets: readonly Target[], requests: number): Promise<ReadonlyMap<Target, number[]>> {
  const times = new Map(targets.map((target): [Target, number[]] => [target, []]))
  const agent = new http.Agent({ keepAlive: true })
  for (let request = 0; request < requests; request += 1) {
    for (const target of shuffled(targets)) times.get(target)!.push(await timeOf(target, agent, request % PEOPLE))
  }
  agent.destroy()
  return times
}

function timeOf({ name, port }: Target, agent: http.Agent, person: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const begin = performance.now()
    const headers = { accept: 'text/html', 'x-user': `user-${person}` }
    const request = http.get({ agent, host: '127.0.0.1', port, path: '/items/7', headers }, (response) => {
      response.resume()
      response.once('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - begin)
        else reject(new Error(`${name} answered ${response.statusCode}`))
      })
    })
    request.once('error', reject)
  })
}

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
