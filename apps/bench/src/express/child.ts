import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LibraryName } from './libraries.ts'

/** What a target says of itself since it was asked last. */
export interface Account {
  readonly cpuMicroseconds: number
  /** Processor time before the route, the 99th percentile. */
  readonly beforeRouteMicroseconds: number
  readonly rssBytes: number
  readonly unhandled: number
  /** Events tracked. */
  readonly tracked: number
}

export interface Target {
  readonly name: LibraryName
  readonly port: number
  /** Resolves when everything is delivered. */
  account(): Promise<Account>
  stop(): void
}

export async function startTarget(name: LibraryName, origin: string, room: 'roomy' | 'default'): Promise<Target> {
  const child = fork(fileURLToPath(new URL('target.ts', import.meta.url)), [name, origin, room], {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const exited = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${name} ended with ${String(code)}`)))
  exited.catch(() => undefined)
  const [{ port }] = (await Promise.race([once(child, 'message'), exited])) as [{ port: number }]
  return {
    name,
    port,
    account: () => ask(child),
    stop: () => void child.send('stop'),
  }
}

async function ask(child: ChildProcess): Promise<Account> {
  const answer = once(child, 'message')
  child.send('account')
  const [account] = (await answer) as [Account]
  return account
}
