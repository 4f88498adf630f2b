import { type ChildProcess, execFileSync, fork } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { APP_ID, PRODUCTION_KEY } from './bodies.ts'

export interface SessionFigures {
  readonly sessions: number
  /** Of the whole process, with every session open. */
  readonly rssMb: number
  readonly diskMb: number
  readonly startMicroseconds: number
  readonly expireMicroseconds: number
  /** From the start of the process to its first line, on this data. */
  readonly startUpMs: number
  readonly emptyStartUpMs: number
}

const BATCH = 50
const AT_ONCE = 32
const MEGABYTE = 2 ** 20
const CONFIG = { apps: [{ appId: APP_ID, name: 'Bench', keys: { production: [PRODUCTION_KEY] } }] }

/** So many live sessions in `damson serve`: what they weigh, what ending them costs, how long a start takes on top of them. */
export async function runSessionsBench(sessions: number, onProgress: (line: string) => void): Promise<SessionFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'damson-sessions-'))
  const empty = mkdtempSync(join(tmpdir(), 'damson-empty-'))
  writeFileSync(join(folder, 'apps.json'), JSON.stringify(CONFIG))
  try {
    const full = await serve(folder, ['--test-clock', '--config', join(folder, 'apps.json')])
    const filledMs = await timed(() => fill(full.url, sessions))
    const rssMb = residentBytes(full.child) / MEGABYTE
    const diskMb = readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0) / MEGABYTE
    onProgress(`${sessions} live sessions: ${Math.round(rssMb)} MB in memory, ${Math.round(diskMb)} MB on disk`)
    // The clock answers when everything that is overdue by then has ended.
    const expiredMs = await timed(() => post(full.url.replace(/api$/, 'test-clock'), { advanceSeconds: 3 * 3_600 }))
    onProgress(`all of them ended in ${Math.round(expiredMs)} ms`)
    await full.stop()
    return {
      sessions,
      rssMb,
      diskMb,
      startMicroseconds: (filledMs * 1_000) / sessions,
      expireMicroseconds: (expiredMs * 1_000) / sessions,
      startUpMs: await startUp(folder),
      emptyStartUpMs: await startUp(empty),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
    rmSync(empty, { recursive: true, force: true })
  }
}

async function fill(url: string, sessions: number): Promise<void> {
  let next = 0
  async function feed(): Promise<void> {
    while (next < sessions) {
      const first = next
      next += BATCH
      const data = Array.from({ length: BATCH }, (_, index) => ({ action: 'start', userId: `user-${first + index}` }))
      const { response } = await post(url, { appId: APP_ID, clientKey: PRODUCTION_KEY, action: 'multi', data })
      if (response.some(({ success }) => !success)) throw new Error('a session did not start')
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, feed))
}

async function post(url: string, body: object): Promise<{ response: { success: boolean }[] }> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`)
  return answer.json() as Promise<{ response: { success: boolean }[] }>
}

interface Served {
  readonly url: string
  readonly child: ChildProcess
  stop(): Promise<void>
}

/** The command line as a user starts it, from when it says that it listens. */
function serve(folder: string, flags: readonly string[]): Promise<Served> {
  const main = fileURLToPath(new URL('../../../../packages/server/dist/cli/main.js', import.meta.url))
  const child = fork(main, ['serve', '--port', '0', '--data', folder, '--log-level', 'error', ...flags], {
    silent: true,
    // Not with the loader that this process runs under.
    execArgv: [],
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (text: Buffer) => {
      const url = /listening on (\S+)/.exec(text.toString())?.[1]
      if (url !== undefined) resolve({ url, child, stop: () => stopped(child, ended) })
    })
    void ended.then((code) => reject(new Error(`serve ended with ${code} before it listened`)))
  })
}

async function stopped(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM')
  await ended
}

async function startUp(folder: string): Promise<number> {
  let served: Served | undefined
  const ms = await timed(async () => {
    served = await serve(folder, [])
  })
  await served?.stop()
  return ms
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const beganAt = performance.now()
  await work()
  return performance.now() - beganAt
}

function residentBytes({ pid }: ChildProcess): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)]).toString()) * 1_024
}
