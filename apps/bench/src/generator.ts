import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import autocannon from 'autocannon'

/** What is sent, from how many connections, for how long. */
export interface Volley {
  /** Of the server, without a path. */
  readonly origin: string
  readonly connections: number
  readonly seconds: number
  /** In turn, again and again. */
  readonly shots: readonly Shot[]
  /** How long each connection rests after an answer, on average. Milliseconds. */
  readonly restMs?: number
}

/** One request. None of its parts may hold a tab or a line break. */
export interface Shot {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** `NUMBER` in it becomes another number each time. */
  readonly body?: string
}

export interface Impact {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly p99Ms: number
}

/** Stands in a body for a number that no other request has. */
export const NUMBER = '{number}'

/**
 * `wrk` takes next to nothing of the two cores that it shares with what is measured, autocannon half of one. It is no package
 * of the registry: where it is not installed, autocannon does.
 */
export const GENERATOR: 'wrk' | 'autocannon' =
  spawnSync('wrk', ['--version']).error === undefined ? 'wrk' : 'autocannon'

const SCRIPT = fileURLToPath(new URL('volley.lua', import.meta.url))
const run = promisify(execFile)

/** @throws {Error} if anything was refused or lost: then the figures would say nothing */
export function fireVolley(volley: Volley): Promise<Impact> {
  return GENERATOR === 'wrk' ? wrk(volley) : cannon(volley)
}

async function wrk({ origin, connections, seconds, shots, restMs = 0 }: Volley): Promise<Impact> {
  const folder = mkdtempSync(join(tmpdir(), 'damson-volley-'))
  const file = join(folder, 'shots')
  writeFileSync(file, shots.map(lineOf).join('\n'))
  const options = ['--threads', '1', '--connections', `${connections}`, '--duration', `${seconds}s`, '--latency']
  // A number that is given out in one run must not come again in the next.
  const script = ['--script', SCRIPT, origin, '--', file, `${Date.now()}`, `${restMs}`]
  try {
    const { stdout } = await run('wrk', [...options, ...script])
    const [, requests = '', p99Us = '', errors = ''] = /^volley (\d+) (\d+) (\d+)$/m.exec(stdout) ?? []
    if (errors !== '0') throw new Error(`${errors} errors at ${origin}\n${stdout}`)
    return { requests: +requests, requestsPerSecond: +requests / seconds, p99Ms: +p99Us / 1_000 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function lineOf({ method, path, headers, body = '' }: Shot): string {
  return [method, path, body, ...Object.entries(headers).map(([name, value]) => `${name}:${value}`)].join('\t')
}

let lastNumber = Date.now()

async function cannon({ origin, connections, seconds, shots, restMs }: Volley): Promise<Impact> {
  let connection = 0
  const { errors, non2xx, requests, latency } = await autocannon({
    url: origin,
    connections,
    duration: seconds,
    ...(restMs !== undefined && { overallRate: Math.round((1_000 * connections) / restMs) }),
    setupClient(client) {
      const own = connection++
      if (restMs === undefined && shots[0]!.body?.includes(NUMBER) !== true) {
        // Written down before: the generator is not what is measured.
        client.setRequests(shots.filter((_, index) => index % connections === own))
        return
      }
      // Held at a rate it would send those in bursts: bare itself then had a p99 of 87 ms.
      let next = own
      const load = (): void => {
        const { body = '', ...shot } = shots[next++ % shots.length]!
        client.setRequest({ ...shot, body: body.replace(NUMBER, String(++lastNumber)) })
      }
      load()
      client.on('response', load)
    },
  })
  if (errors > 0 || non2xx > 0) throw new Error(`${errors} errors, ${non2xx} refusals at ${origin}`)
  return { requests: requests.total, requestsPerSecond: requests.average, p99Ms: latency.p99 }
}
