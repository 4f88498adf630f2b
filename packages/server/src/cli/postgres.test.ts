import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createServer } from '../server.ts'
import { postgresStore } from '../store/postgres/index.ts'
import {
  createCitusDatabase,
  createDatabase,
  findCitus,
  findPostgres,
  type TestDatabase,
} from '../store/postgres/testing.ts'
import type { Store } from '../store/store.ts'
import { openData } from './data.ts'
import { finish, type Session, start } from './testing.ts'

const server = await findPostgres()
const citus = findCitus()
let database: TestDatabase
let folder: string
const sessions: Session[] = []

interface Kind {
  readonly flags: readonly string[]
  readonly told: string
  /** When a server has heard of an app: after a second, and the first statements of a connection. Milliseconds. */
  readonly withinMs: number
}

const PLAIN: Kind = { flags: [], told: '', withinMs: 1_000 }
// The first statement of a connection there opens others to the workers.
const CITUS: Kind = { flags: ['--citus'], told: ', spread over the nodes of Citus', withinMs: 5_000 }

describe.skipIf(server === null)('with a PostgreSQL', () => {
  suite(() => createDatabase(server ?? '', 'cli'), PLAIN)
})
describe.skipIf(citus === null)('with a Citus', () => {
  suite(() => createCitusDatabase(citus ?? '', 'cli'), CITUS)
})

function suite(open: () => Promise<TestDatabase>, { flags, told, withinMs }: Kind): void {
  const migrate = () => finish(['migrate', ...flags, '--postgres', database.url])

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'damson-postgres-cli-'))
    database = await open()
  })
  afterEach(async () => {
    for (const session of sessions.splice(0)) {
      session.interrupt()
      await session.code
    }
    await database.drop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('migrate makes the tables once, for any number of processes at once; others ask for it', async () => {
    const refused = await finish(['serve', '--port', '0', '--postgres', database.url])
    expect(refused.err).toContain('Run: damson migrate --postgres URL')
    const migrating = await Promise.all([1, 2, 3].map(migrate))
    expect(migrating.map(({ code, err }) => [code, err])).toEqual(migrating.map(() => [0, '']))
    const again = await migrate()
    expect(again.out).toBe(`The tables are at version 1 already${told}.`)
  })

  test('two servers are one: what is done at one is seen at the other, apps and keys within a second', async () => {
    await migrate()
    const [one, two] = [await serving(), await serving()]
    const made = await finish(['apps', 'create', '--name', 'Shop', '--app-id', 'shop', '--postgres', database.url])
    const key = /production +(\S+)/.exec(made.out)?.[1] ?? ''
    const exportKey = /dataExport +(\S+)/.exec(made.out)?.[1] ?? ''
    const call = (url: string, args: Record<string, string>) => ask(url, { appId: 'shop', clientKey: key, ...args })
    await expect
      .poll(async () => (await call(one, { action: 'start', userId: 'ann', deviceId: 'd1' })).success, {
        timeout: withinMs,
      })
      .toBe(true)
    await expect
      .poll(async () => (await call(two, { action: 'track', deviceId: 'd1', event: 'Seen' })).success, {
        timeout: withinMs,
      })
      .toBe(true)
    const exported = await call(one, { action: 'exportUser', userId: 'ann', clientKey: exportKey })
    expect(exported).toMatchObject({ userId: 'ann', events: { Seen: { count: 1 } } })
    expect((await fetch(one.replace(/api$/, 'readyz'))).status).toBe(200)
  })

  test('a move copies everything, counts it, and both stores say the same', async () => {
    const { store, app } = await filledFolder(50)
    const before = await everything(store, app)
    await store.close()
    await migrate()
    const moved = await move()
    expect(moved.err).toBe('')
    expect(moved.out).toContain('All of it is there.')
    // What happened today lies where days are dropped in one piece.
    expect(await countOf('entries_other')).toBe(0)
    const copy = await postgresStore({ url: database.url })
    expect(await everything(copy, app)).toEqual(before)
    const seen = await copy.transact({ appId: app, userId: 'user 7', deviceId: null, needsSeen: true }, (loaded) => ({
      answer: loaded.seen('profile r7'),
    }))
    expect(seen).toBe('')
    await copy.close()
    expect((await move()).err).toContain('the folder has moved already')
  })

  test('a move that was interrupted goes on where it was; until it is whole nobody can open it', async () => {
    const { store, app } = await filledFolder(1_500)
    const before = await everything(store, app)
    await store.close()
    await migrate()
    expect((await move(folder, 'SIGINT')).out).toContain('Interrupted.')
    await expect(postgresStore({ url: database.url })).rejects.toThrow('a move into this database is not finished')
    expect((await move()).out).toContain('All of it is there.')
    const copy = await postgresStore({ url: database.url })
    expect(await everything(copy, app)).toEqual(before)
    await copy.close()
  })

  test('a folder whose server runs, and a folder without a database, are refused in one line', async () => {
    await migrate()
    const { store } = await filledFolder(1)
    const held = await move()
    expect(held.err).toContain('Expected to be the only user of')
    await store.close()
    const nowhere = await finish(['move', '--from', '/nowhere', '--to', database.url])
    expect(nowhere.err).toBe('damson: there is no damson.db in /nowhere. Choose another folder with --from.')
  })
}

test('a server that is not there is told in one line', async () => {
  const { err, code } = await finish(['migrate', '--postgres', 'postgres://nobody@127.0.0.1:1/none'])
  expect(code).toBe(1)
  expect(err).toMatch(/^damson: cannot use that PostgreSQL: .*Check --postgres, and that it runs\.$/)
})

async function serving(): Promise<string> {
  const session = start(['serve', '--port', '0', '--log-level', 'silent', '--postgres', database.url])
  sessions.push(session)
  return (await session.saying('damson listening on ')).replace('damson listening on ', '')
}

/** A move in a process of its own: only with it are the files of the folder let go. */
async function move(from = folder, signal?: 'SIGINT'): Promise<{ readonly out: string; readonly err: string }> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', main, 'move', '--from', from, '--to', database.url])
  const [out, err] = [text(child.stdout), text(child.stderr)]
  if (signal !== undefined) {
    await expect.poll(() => isUnderWay(), { timeout: 50_000 }).toBe(true)
    child.kill(signal)
  }
  return { out: await out, err: await err }
}

async function countOf(name: string): Promise<number> {
  const client = new Client({ connectionString: database.url })
  await client.connect()
  try {
    return Number((await client.query<{ n: string }>(`SELECT count(*) AS n FROM ${name}`)).rows[0]?.n)
  } finally {
    await client.end()
  }
}

async function isUnderWay(): Promise<boolean> {
  const client = new Client({ connectionString: database.url })
  await client.connect()
  try {
    return ((await client.query("SELECT 1 FROM meta WHERE name = 'move'")).rowCount ?? 0) > 0
  } finally {
    await client.end()
  }
}

async function ask(url: string, args: Record<string, string>): Promise<Record<string, unknown>> {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(args) })
  const { response } = (await answer.json()) as { response: Record<string, unknown>[] }
  return response[0] ?? {}
}

/** A folder with an app and users who did something, with message ids and devices. */
async function filledFolder(users: number): Promise<{ store: Store; app: string }> {
  const store = await openData(folder)
  const keys = { production: ['prod'] }
  const { engine } = createServer({ store, apps: [], clock: { now: () => Date.now() } })
  const setup = createServer({ store, apps: [{ appId: 'shop', name: 'Shop', keys }] })
  await setup.fetch(new Request('http://x/readyz'))
  await setup.fetch(new Request('http://x/api?action=track&appId=shop&clientKey=prod&userId=first&event=e'))
  await engine.load()
  const act = (args: Record<string, string>) =>
    engine.perform({ outer: { appId: 'shop', clientKey: 'prod', ...args } }, { address: null, acceptLanguage: null })
  await Promise.all(
    Array.from({ length: users }, async (_, n) => {
      await act({ action: 'start', userId: `user ${n}`, deviceId: `device ${n}` })
      await act({ action: 'track', userId: `user ${n}`, event: `Event ${n % 5}`, reqId: `r${n}` })
    }),
  )
  await Promise.all([engine.drain(), setup.engine.drain()])
  return { store, app: 'shop' }
}

async function everything(store: Store, appId: string): Promise<unknown> {
  const profiles: string[] = []
  for await (const profile of store.profiles(appId)) profiles.push(JSON.stringify(profile))
  const histories = new Map<string, unknown[]>()
  for await (const { userId, entry } of store.entries({ appId }))
    histories.set(userId, [...(histories.get(userId) ?? []), entry])
  return {
    apps: await store.apps(),
    revisions: await store.revisions(),
    profiles: new Set(profiles),
    histories: [...histories].sort(([one], [two]) => (one < two ? -1 : 1)),
    overdue: new Set((await store.overdue(Number.MAX_SAFE_INTEGER, 10_000)).map(({ userId }) => userId)),
  }
}
