import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

export interface RunningApp {
  readonly url: string
  /** What it printed, in lines. */
  readonly said: readonly string[]
  /** Sets the shop's clock, if it is held. Resolves once it is set. */
  setClock(at: number): Promise<void>
  stop(): Promise<void>
}

interface HowToStart {
  /** Holds the shop's clock at this instant. */
  readonly clockAt?: number
}

const HELD_CLOCK = fileURLToPath(new URL('held-clock.mjs', import.meta.url))

/** Starts what `next build` left in a folder, on a free port. Resolves once it answers. */
export async function startApp(
  folder: string,
  env: Readonly<Record<string, string>>,
  { clockAt }: HowToStart = {},
): Promise<RunningApp> {
  if (!existsSync(join(folder, '.next', 'BUILD_ID'))) {
    throw new Error(
      `${folder} is not built: run \`pnpm exec turbo run test --filter=./apps/next\`, or \`next build\` there.`,
    )
  }
  const next = createRequire(join(folder, 'package.json')).resolve('next/dist/bin/next')
  const held = clockAt === undefined ? [] : ['--import', HELD_CLOCK]
  const child = spawn(process.execPath, [...held, next, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
    cwd: folder,
    env: {
      ...process.env,
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      NO_COLOR: '1',
      SHOP_CLOCK_AT: String(clockAt),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const said: string[] = []
  createInterface({ input: child.stderr as Readable }).on('line', (line) => said.push(line))
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout as Readable }).on('line', (line) => {
      said.push(line)
      const found = /Local:\s+(http:\S+)/.exec(line)?.[1]
      if (found !== undefined) resolve(found.replace('localhost', '127.0.0.1'))
    })
    void exited.then(() => reject(new Error(`next start ended:\n${said.join('\n')}`)))
  })
  return {
    url,
    said,
    async setClock(at) {
      const isSet = once(child, 'message')
      child.send(at)
      await isSet
    },
    async stop() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Pages that the build left as files, by their route. */
export function staticPages(folder: string): readonly string[] {
  const manifest = readFileSync(join(folder, '.next', 'prerender-manifest.json'), 'utf8')
  return Object.keys((JSON.parse(manifest) as { routes: object }).routes)
}
