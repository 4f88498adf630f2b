import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HOUR_MS, MINUTE_MS } from '@damson/core'
import { fakeClock } from '@damson/core/testing'
import { describe, expect, test } from 'vitest'
import type { NewApp } from '../../new-app.ts'
import { createServer } from '../../server.ts'
import { sqliteStore } from '../sqlite/sqlite-store.ts'
import type { Store } from '../store.ts'
import { postgresStore } from './postgres-store.ts'
import { createDatabase, findPostgres, migrateDatabase } from './testing.ts'

/** So many in each run of the tests; `DAMSON_STORE_HISTORIES=2000` for the whole. */
const HISTORIES = Number(process.env.DAMSON_STORE_HISTORIES ?? 60)
const FIRST = Number(process.env.DAMSON_STORE_SEED ?? 0)
const STEPS = 14
const AT_ONCE = 24
const KEYS = { production: ['prod'], development: ['dev'], dataExport: ['export'] }
const APP: NewApp = { appId: 'app', name: 'App', keys: KEYS }

const server = await findPostgres()

describe.skipIf(server === null)('SQLite and PostgreSQL', () => {
  test(`answer the same and end in the same state: ${HISTORIES} histories`, { timeout: 900_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'damson-same-'))
    const database = await createDatabase(server ?? '', 'same')
    await migrateDatabase(database.url)
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
})

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

const USERS = ['ann', 'bob', 'eve \u0000\ud800']
const DEVICES = ['device 1', 'device 2']
const ACTIONS = {
  prod: [
    'start',
    'start',
    'track',
    'track',
    'track',
    'advance',
    'stop',
    'pauseSession',
    'resumeSession',
    'heartbeat',
    'login',
    'attributes',
    'multi',
  ],
  dev: ['deleteUser', 'erase', 'block', 'unblock'],
  export: ['exportUser'],
} as const

function actionOf(dice: () => number, seed: number): Record<string, unknown> {
  const clientKey = pick(dice, ['prod', 'prod', 'prod', 'prod', 'prod', 'prod', 'dev', 'export'] as const)
  const action = pick<string>(dice, ACTIONS[clientKey])
  if (action === 'multi') {
    // All of one user: those of others in the same batch go at once, and which is first is nobody's promise.
    const { userId, deviceId } = bodyOf(dice, seed, 'track')
    const data = Array.from({ length: 4 }, () => {
      return { ...bodyOf(dice, seed, pick<string>(dice, ACTIONS.prod.slice(0, -1))), userId, deviceId }
    })
    return { appId: 'app', clientKey, action, data, time: 1_700_000_000 }
  }
  return { appId: 'app', clientKey, ...bodyOf(dice, seed, action) }
}

function bodyOf(dice: () => number, seed: number, action: string): Record<string, unknown> {
  const user = () => `${seed} ${pick(dice, USERS)}`
  const device = `${seed} ${pick(dice, DEVICES)}`
  const who = pick(dice, [
    { userId: user() },
    { userId: user(), deviceId: device },
    { deviceId: device },
    { userId: device, deviceId: device },
  ])
  const told = dice() < 0.4 ? { reqId: `r${Math.floor(dice() * 4)}`, uuid: 'u' } : {}
  const base = { ...who, ...told, event: pick(dice, ['A', 'B']), state: 's', value: 2 }
  if (action === 'login') return { ...base, action: 'setUserAttributes', newUserId: user() }
  if (action === 'attributes')
    return { ...base, action: 'setUserAttributes', userAttributes: { n: Math.floor(dice() * 3) } }
  if (action === 'erase') return { ...base, action: 'deleteUser', fullErasure: true }
  return { ...base, action }
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

function pick<T>(dice: () => number, items: readonly T[]): T {
  return items[Math.floor(dice() * items.length)] as T
}

/** Numbers from 0 to 1 that a seed repeats: mulberry32. */
function diceOf(seed: number): () => number {
  let state = seed * 2_654_435_761
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
