import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HOUR_MS, MINUTE_MS } from '@damson/core'
import { fakeClock } from '@damson/core/testing'
import { describe, expect, test } from 'vitest'
import type { NewApp } from '../../new-app.ts'
import { createServer } from '../../server.ts'
import { actionOf, DEVICES, diceOf, pick, USERS } from '../random-actions.ts'
import { sqliteStore } from '../sqlite/sqlite-store.ts'
import type { Store } from '../store.ts'
import { postgresStore } from './postgres-store.ts'
import {
  createCitusDatabase,
  createDatabase,
  findCitus,
  findPostgres,
  migrateDatabase,
  type TestDatabase,
} from './testing.ts'

/** So many in each run of the tests; `DAMSON_STORE_HISTORIES=2000` for the whole. */
const HISTORIES = Number(process.env.DAMSON_STORE_HISTORIES ?? 60)
const FIRST = Number(process.env.DAMSON_STORE_SEED ?? 0)
const STEPS = 14
const AT_ONCE = 24
const KEYS = { production: ['prod'], development: ['dev'], dataExport: ['export'] }
const APP: NewApp = { appId: 'app', name: 'App', keys: KEYS }

const server = await findPostgres()
const citus = findCitus()

describe.skipIf(server === null)('SQLite and PostgreSQL', () => {
  suite(async () => {
    const database = await createDatabase(server ?? '', 'same')
    await migrateDatabase(database.url)
    return database
  })
})

describe.skipIf(citus === null)('SQLite and Citus', () => {
  suite(async () => {
    const database = await createCitusDatabase(citus ?? '', 'same')
    await migrateDatabase(database.url, true)
    return database
  })
})

function suite(open: () => Promise<TestDatabase>): void {
  test(`answer the same and end in the same state: ${HISTORIES} histories`, { timeout: 900_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'damson-same-'))
    const database = await open()
    const sqlite = await sqliteStore({ file: join(folder, 'damson.db') })
    const postgres = await postgresStore({ url: database.url })
    for (const store of [sqlite, postgres]) {
      const { engine, fetch } = createServer({ store, apps: [APP] })
      await fetch(new Request('http://x/api?action=track&appId=app&clientKey=prod&userId=first&event=e'))
      await engine.drain()
    }
    let next = FIRST
    const worker = async (): Promise<void> => {
      for (let seed = next++; seed < FIRST + HISTORIES; seed = next++) {
        const [one, two] = await Promise.all([play(sqlite, seed), play(postgres, seed)])
        expect(two, `seed ${seed}`).toEqual(one)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    await Promise.all([sqlite.close(), postgres.close()])
    await database.drop()
    rmSync(folder, { recursive: true })
  })
}

/** One history on a store: what was answered to each step, and what everybody is in the end. */
async function play(store: Store, seed: number): Promise<unknown> {
  const clock = fakeClock(1_700_000_000_000)
  const dice = diceOf(seed)
  const { engine } = createServer({ store, clock })
  await engine.load()
  const answers: unknown[] = []
  for (let step = 0; step < STEPS; step += 1) {
    clock.advance(pick(dice, [0, 1, 1_000, MINUTE_MS, 31 * MINUTE_MS, 2 * HOUR_MS]))
    const outer = actionOf(dice, seed)
    answers.push(await engine.perform({ outer }, { address: null, acceptLanguage: null }))
  }
  await engine.drain()
  const state: unknown[] = []
  for (const id of [...USERS, ...DEVICES].map((name) => `${seed} ${name}`)) {
    const isDevice = id.includes('device')
    const ref = { appId: 'app', userId: isDevice ? null : id, deviceId: isDevice ? id : null, needsSeen: false }
    state.push(await store.transact(ref, ({ subject, deviceUserId }) => ({ answer: { subject, deviceUserId } })))
    for await (const line of store.entries({ appId: 'app', userId: id })) state.push(line)
  }
  return renamed(JSON.parse(JSON.stringify({ answers, state })) as unknown)
}

/** Ids are drawn, and a turn that is played again draws anew: they are told by the order in which they appear. */
function renamed(value: unknown): unknown {
  const names = new Map<string, string>()
  const text = JSON.stringify(value).replaceAll(/"(\d{9,20}|[\w-]{43})"/g, (_, id: string) => {
    const name = names.get(id) ?? `id ${names.size}`
    names.set(id, name)
    return `"${name}"`
  })
  return JSON.parse(text)
}
