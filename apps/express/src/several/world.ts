import { sqliteStore } from '@damson/server/sqlite'
import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http, { type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const APP_ID = 'app_shop'
const CLIENT_KEY = 'prod_several'
const SECRET = 'a secret of thirty-two characters'
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** A session as the engine wrote it down. */
export interface Written {
  readonly startedAt: number
  readonly durationMs: number
}

export interface World {
  /** Of the balancer: each request goes to the next process. */
  readonly url: string
  readonly now: () => number
  /** Moves the engine and every process, and resolves when everything tracked before has arrived. */
  moveTo(now: number): Promise<void>
  /** Stops it all and reads what the engine kept: sessions and purchases by user. */
  finish(): Promise<{ readonly sessions: ReadonlyMap<string, Written[]>; readonly spent: ReadonlyMap<string, number> }>
  close(): void
}

/** One `damson serve`, several processes of the shop on the packages as they are published, and a balancer before these. */
export async function openWorld(count: number): Promise<World> {
  let now = Date.UTC(2026, 0, 1)
  const folder = mkdtempSync(join(tmpdir(), 'damson-several-'))
  const engine = await startEngine(folder)
  const move = () => ask(engine.url.replace(/api$/, 'test-clock'), { set: now / 1_000 })
  await move()
  const processes = await Promise.all(Array.from({ length: count }, () => startProcess(engine.url, now)))
  const balancer = http.createServer(roundRobin(processes.map(({ port }) => port))).listen(0, '127.0.0.1')
  balancer.keepAliveTimeout = 0
  await once(balancer, 'listening')

  function close(): void {
    balancer.closeAllConnections()
    balancer.close()
    for (const { child } of [engine, ...processes]) child.kill()
    rmSync(folder, { recursive: true, force: true })
  }

  return {
    url: `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`,
    now: () => now,
    async moveTo(next) {
      // A request says what time its sender believes it to be: while anything is sent, all clocks agree.
      await Promise.all(processes.map(({ child }) => told(child, { now })))
      now = next
      await move()
      await Promise.all(processes.map(({ child }) => told(child, { now })))
    },
    async finish() {
      engine.child.kill('SIGTERM')
      await once(engine.child, 'exit')
      return readBack(join(folder, 'damson.db'))
    },
    close,
  }
}

interface Report {
  readonly pending: number
  readonly dropped: number
  readonly unhandled: readonly string[]
}

/** Resolves when the process has sent all it had to say by then. */
async function told(child: ChildProcess, message: object): Promise<void> {
  const answer = once(child, 'message')
  child.send(message)
  const [report] = (await answer) as [Report]
  if (report.pending > 0 || report.dropped > 0 || report.unhandled.length > 0)
    throw new Error(`a process did not send everything: ${JSON.stringify(report)}`)
}

async function startEngine(folder: string): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const config = join(folder, 'apps.json')
  writeFileSync(
    config,
    JSON.stringify({
      apps: [{ appId: APP_ID, name: 'Shop', keys: { production: [CLIENT_KEY] }, preferredCurrency: 'EUR' }],
    }),
  )
  const main = join(dirname(createRequire(import.meta.url).resolve('@damson/server')), 'cli', 'main.js')
  const args = ['serve', '--port', '0', '--test-clock', '--data', folder, '--config', config, '--log-level', 'warn']
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit').then(() => Promise.reject(new Error('damson serve ended before it listened')))
  exited.catch(() => undefined)
  const lines = createInterface({ input: child.stdout })
  const [line] = (await Promise.race([once(lines, 'line'), exited])) as [string]
  return { url: line.replace('damson listening on ', ''), child }
}

async function startProcess(
  endpoint: string,
  now: number,
): Promise<{ readonly port: number; readonly child: ChildProcess }> {
  const child = fork(here('process.ts'), {
    execArgv: ['--import', 'tsx'],
    env: {
      ...process.env,
      // Without the paths of our checkout, `@damson/…` is what npm would install: the built files.
      TSX_TSCONFIG_PATH: here('tsconfig.json'),
      NOW: String(now),
      DAMSON_SECRET: SECRET,
      DAMSON_ENDPOINT: endpoint,
      DAMSON_APP_ID: APP_ID,
      DAMSON_CLIENT_KEY: CLIENT_KEY,
    },
  })
  const exited = once(child, 'exit').then(() => Promise.reject(new Error('a shop ended before it listened')))
  exited.catch(() => undefined)
  const [message] = (await Promise.race([once(child, 'message'), exited])) as [{ port: number }]
  return { port: message.port, child }
}

/** Each request to the next process, whoever sends it. */
function roundRobin(ports: readonly number[]): RequestListener {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 })
  let turn = 0
  return (request, response) => {
    const { method, url: path, headers } = request
    const port = ports[(turn += 1) % ports.length]!
    const onward = http.request({ agent, host: '127.0.0.1', port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(response)
    })
    onward.once('error', () => response.destroy())
    request.pipe(onward)
  }
}

async function ask(url: string, body: object): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
}

async function readBack(file: string): ReturnType<World['finish']> {
  const store = await sqliteStore({ file })
  const sessions = new Map<string, Written[]>()
  const spent = new Map<string, number>()
  for await (const { userId, entry } of store.entries({ appId: APP_ID })) {
    if (entry.kind === 'sessionEnded') {
      const { startedAt, durationMs } = entry
      sessions.set(userId, [...(sessions.get(userId) ?? []), { startedAt, durationMs }])
    }
    if (entry.kind === 'event' && entry.name === 'Purchase')
      spent.set(userId, (spent.get(userId) ?? 0) + (entry.value ?? 0))
  }
  await store.close()
  return { sessions, spent }
}
