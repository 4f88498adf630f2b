import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeConformance } from '@damson/server/conformance'
import { postgresStore } from '@damson/server/postgres'
import { Client } from 'pg'
import { afterAll, expect, test } from 'vitest'
import { type Binaries, findBinaries } from './binaries.ts'
import { freePort, openWorkshop, until } from './cluster.ts'
import { migrate } from './nodes.ts'

const PLACES = [process.env['DAMSON_PGBOUNCER'], '/usr/sbin/pgbouncer', '/usr/bin/pgbouncer']
const program = PLACES.find((place) => place !== undefined && existsSync(place)) ?? null
const binaries = findBinaries()
if (program === null) console.log(`Skipped: no pgbouncer in /usr/sbin or /usr/bin. Set DAMSON_PGBOUNCER.`)

const isThere = program !== null && binaries !== null

test.skipIf(!isThere)('there is a PgBouncer to test with', () => expect(isThere).toBe(true))
if (isThere) await behind(program, binaries)

async function behind(program: string, binaries: Binaries): Promise<void> {
  const workshop = openWorkshop(binaries)
  const cluster = await workshop.primary()
  await cluster.ask('CREATE DATABASE damson')
  // A test that pulls no plug need not wait for the disk.
  await cluster.ask('ALTER DATABASE damson SET synchronous_commit = off')
  const direct = cluster.url('damson')
  await migrate(direct)
  const pooler = await startPooler(program, binaries, cluster.port)
  afterAll(async () => {
    await pooler.stop()
    await workshop.close()
  })
  const tables = await tablesOf(direct)

  test('what it is told is transaction mode, and a process id that is not the one that answers', async () => {
    const client = new Client({ connectionString: pooler.url })
    await client.connect()
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    expect(rows[0]?.pid).not.toBe((client as unknown as { readonly processID: number }).processID)
    await client.end()
  })

  storeConformance('PostgreSQL behind PgBouncer', async (wish) => {
    await ask(direct, tables.map((table) => `DELETE FROM ${table};`).join(' '))
    await ask(direct, `UPDATE meta SET value = '0' WHERE name = 'horizon'`)
    const opening = () => postgresStore({ url: pooler.url, ...wish })
    let store = await opening()
    return {
      store,
      reopen: async () => {
        await store.close()
        store = await opening()
        return store
      },
      cleanUp: () => store.close(),
    }
  })
}

/** PgBouncer as Debian packs it, with fewer connections to the server than its clients want. */
async function startPooler(
  program: string,
  { user }: Binaries,
  port: number,
): Promise<{ url: string; stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'damson-pgbouncer-'))
  const own = await freePort()
  const file = join(folder, 'pgbouncer.ini')
  writeFileSync(join(folder, 'users.txt'), '"postgres" ""\n')
  writeFileSync(
    file,
    `[databases]
damson = host=127.0.0.1 port=${port} dbname=damson
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${own}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, 'users.txt')}
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
`,
  )
  if (user !== null) for (const one of [folder, file, join(folder, 'users.txt')]) chownSync(one, user.uid, user.gid)
  const child = spawn(program, ['-q', file], { ...user, stdio: 'inherit' })
  const url = `postgres://postgres@127.0.0.1:${own}/damson`
  await until(
    () => ask(url, 'SELECT 1').then(() => true),
    () => child.exitCode === null,
  )
  return {
    url,
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function tablesOf(url: string): Promise<string[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
       AND relnamespace = 'public'::regnamespace AND relname <> 'meta'`,
  )
  await client.end()
  return rows.map(({ name }) => name)
}

async function ask(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}
