import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Served {
  /** Sends one request and gives back the elements of its answer. */
  post(body: object): Promise<readonly Record<string, unknown>[]>
  advance(seconds: number): Promise<void>
  /** The most that the process has had in memory so far. Megabytes. */
  peakMb(): number
  stop(): Promise<void>
}

/** `damson serve` on a folder, as a user starts it, with a clock that stands still. */
export async function serve(folder: string, config: string): Promise<Served> {
  const main = fileURLToPath(new URL('../../../../packages/server/dist/cli/main.js', import.meta.url))
  const flags = ['--port', '0', '--data', folder, '--config', config, '--test-clock', '--log-level', 'error']
  // Not with the loader that this process runs under.
  const child = fork(main, ['serve', ...flags], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execArgv: [] })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const url = await listening(child, ended)
  return {
    async post(body) {
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
      const { response } = (await answer.json()) as { response: Record<string, unknown>[] }
      const failed = response.find(({ success }) => success !== true)
      if (failed !== undefined) throw new Error(`${url} answered ${answer.status}: ${JSON.stringify(failed)}`)
      return response
    },
    async advance(advanceSeconds) {
      const answer = await fetch(url.replace(/api$/, 'test-clock'), {
        method: 'POST',
        body: JSON.stringify({ advanceSeconds }),
      })
      if (!answer.ok) throw new Error(`the clock answered ${answer.status}`)
    },
    peakMb() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
    },
    async stop() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

function listening(child: ChildProcess, ended: Promise<number | null>): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (text: Buffer) => {
      const url = /listening on (\S+)/.exec(text.toString())?.[1]
      if (url !== undefined) resolve(url)
    })
    void ended.then((code) => reject(new Error(`serve ended with ${code} before it listened`)))
  })
}
