import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, chownSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import type { Binaries } from './binaries.ts'

const run = promisify(execFile)
const WAIT_MS = 180_000

/** Durable as it comes: what was acknowledged is on the disk, and with a synchronous standby on both. */
const SETTINGS = `
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_memory_type = mmap
dynamic_shared_memory_type = mmap
shared_buffers = 64MB
max_connections = 100
wal_level = replica
hot_standby = on
synchronous_commit = on
wal_receiver_status_interval = 1s
`

/** One PostgreSQL of the test's own, in a folder that goes with it. */
export interface Cluster {
  readonly port: number
  /** Of a database on it. */
  url(database: string): string
  ask(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** `kill -9` of all its processes, as if the power had gone. */
  kill(): Promise<void>
  /** Makes a primary of a standby; resolves when it takes writes. */
  promote(): Promise<void>
  stop(): Promise<void>
}

/** Where clusters are made, by whom. */
export interface Workshop {
  primary(): Promise<Cluster>
  /** A copy of `source` that follows it through `port`. */
  standby(source: Cluster, port: number): Promise<Cluster>
  close(): Promise<void>
}

export function openWorkshop({ folder: bin, user }: Binaries): Workshop {
  const root = mkdtempSync(join(tmpdir(), 'damson-clusters-'))
  const identity = user ?? {}
  if (user !== null) chownSync(root, user.uid, user.gid)
  const made: Cluster[] = []
  const tool = (name: string, args: readonly string[]) => run(join(bin, name), args, { ...identity, cwd: root })

  async function started(folder: string, port: number): Promise<Cluster> {
    const log = openSync(join(root, `${port}.log`), 'a')
    const child = spawn(join(bin, 'postgres'), ['-D', folder, '-p', String(port)], {
      ...identity,
      cwd: root,
      stdio: ['ignore', log, log],
    })
    const cluster = clusterOf(child, folder, port)
    made.push(cluster)
    await until(
      () => cluster.ask('SELECT 1').then(() => true),
      () => child.exitCode === null,
    )
    return cluster
  }

  return {
    async primary() {
      const [folder, port] = [join(root, `primary-${made.length}`), await freePort()]
      await tool('initdb', ['-D', folder, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'])
      appendFileSync(join(folder, 'postgresql.conf'), SETTINGS)
      return started(folder, port)
    },
    async standby(source, through) {
      const [folder, port] = [join(root, `standby-${made.length}`), await freePort()]
      mkdirSync(folder, { mode: 0o700 })
      if (user !== null) chownSync(folder, user.uid, user.gid)
      await tool('pg_basebackup', [
        '-D',
        folder,
        '-d',
        source.url('postgres'),
        '-R',
        '-X',
        'stream',
        '-c',
        'fast',
        '-N',
      ])
      const follow = `host=127.0.0.1 port=${through} user=postgres application_name=standby`
      appendFileSync(join(folder, 'postgresql.auto.conf'), `primary_conninfo = '${follow}'\n`)
      return started(folder, port)
    },
    async close() {
      await Promise.all(made.map((cluster) => cluster.kill()))
      rmSync(root, { recursive: true, force: true })
    },
  }
}

function clusterOf(child: ChildProcess, folder: string, port: number): Cluster {
  const ended = once(child, 'exit')
  const url = (database: string) => `postgres://postgres@127.0.0.1:${port}/${database}`

  async function ask(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const client = new Client({ connectionString: url('postgres') })
    // What ends the connection ends the query, which says so.
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      await client.end().catch(() => undefined)
    }
  }

  async function kill(): Promise<void> {
    const { pid } = child
    if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    // Its processes are in no group: it is held still, so that none is added while they are looked up.
    process.kill(pid, 'SIGSTOP')
    const others = childrenOf(pid)
    const segment = segmentOf(folder)
    for (const one of [pid, ...others]) killQuietly(one)
    await ended
    // What a dead postmaster leaves in the kernel; nobody will start it again.
    if (segment !== null) await run('ipcrm', ['-m', segment]).catch(() => undefined)
  }

  return {
    port,
    url,
    ask,
    kill,
    async promote() {
      await ask('SELECT pg_promote(true, 60)')
      await until(async () => (await ask('SELECT pg_is_in_recovery() AS is_standby'))[0]?.['is_standby'] === false)
    },
    async stop() {
      child.kill('SIGINT')
      await ended
    },
  }
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

function segmentOf(folder: string): string | null {
  const line = readFileSync(join(folder, 'postmaster.pid'), 'utf8').split('\n')[6] ?? ''
  return /^\s*\d+\s+(\d+)/.exec(line)?.[1] ?? null
}

/** It may have come to its end before. */
function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ESRCH') throw error
  }
}

/** Asks again until it is so; what fails is not so yet. */
export async function until(isSo: () => Promise<boolean>, isHopeful: () => boolean = () => true): Promise<void> {
  const end = performance.now() + WAIT_MS
  let last: unknown
  while (performance.now() < end && isHopeful()) {
    try {
      if (await isSo()) return
    } catch (error) {
      last = error
    }
    await pause(20)
  }
  throw new Error('Waited in vain.', { cause: last })
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
