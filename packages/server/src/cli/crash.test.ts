import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { all, APP, counting, user } from '../conformance/turns.ts'
import { kill, pause, startCommand, waits } from '../jobs/fixtures/killing.ts'
import { createServer } from '../server.ts'
import { sqliteStore } from '../store/sqlite/index.ts'
import { TEST_APP } from '../testing/test-server.ts'
import { finish } from './testing.ts'

/** How often each test kills; `DAMSON_KILLS=50` for the figure that is quoted. */
const KILLS = Number(process.env.DAMSON_KILLS ?? 5)
const SEED = Number(process.env.DAMSON_SEED ?? Date.now() % 1_000_000)
console.info(`DAMSON_SEED=${SEED} DAMSON_KILLS=${KILLS}`)

/** Enough that every kill finds an import at work. */
const SESSIONS = 4_000 * KILLS
const USERS = 500

let folder: string
let data: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damson-crash-'))
  data = join(folder, 'data')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Until the command has made the first file of its work, or has ended. */
async function began(child: ChildProcess, file: string): Promise<void> {
  while (child.exitCode === null && !existsSync(file)) await pause(5)
}

async function sessionsNow(): Promise<number> {
  const store = await openStore()
  const profiles = await all(store.profiles(TEST_APP.appId))
  await store.close()
  return profiles.reduce((sum, { totalSessions }) => sum + totalSessions, 0)
}

const openStore = () => sqliteStore({ file: join(data, 'damson.db') })

test(
  `an import takes each session once over ${KILLS} kills [I-04]`,
  async () => {
    const raw = join(folder, 'raw')
    mkdirSync(raw)
    for (let part = 0; part < 4; part++) writeFileSync(join(raw, `export-1-x-output-${part}`), linesOf(part))
    const server = createServer({ store: await openStore(), apps: [TEST_APP] })
    await server.work()
    await server.stop()
    const wait = waits(SEED, 1_500)
    const takenBy: number[] = []
    for (let killed = 0; killed < KILLS; killed += 1) {
      // A process that was killed has left its own.
      rmSync(join(data, 'damson.db.pid'), { force: true })
      const child = startCommand(['import', raw, '--data', data])
      await began(child, join(data, 'damson.db.pid'))
      await pause(wait())
      if (child.exitCode === null) await kill(child)
      takenBy.push(await sessionsNow())
    }
    console.info(`sessions after each kill: ${takenBy.join(', ')}`)
    const { code, out } = await finish(['import', raw, '--data', data, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ unreadableCount: 0 })

    const store = await openStore()
    const profiles = await all(store.profiles(TEST_APP.appId))
    expect(profiles).toHaveLength(USERS)
    expect(profiles.reduce((sum, { totalSessions }) => sum + totalSessions, 0)).toBe(SESSIONS)
    expect(profiles.reduce((sum, { eventCount }) => sum + eventCount, 0)).toBe(SESSIONS)
    const started = (await all(store.entries({ appId: TEST_APP.appId }))).filter(
      ({ entry }) => entry.kind === 'sessionStarted',
    )
    expect(new Set(started.map(({ entry }) => (entry as { record: string }).record)).size).toBe(SESSIONS)
    expect(started).toHaveLength(SESSIONS)
    expect((await store.documents(TEST_APP.appId, 'import')).documents.size).toBe(0)
    await store.close()
  },
  60_000 + KILLS * 10_000,
)

test(
  `a backup is whole or none over ${KILLS} kills, and the next attempt makes it [B-04]`,
  async () => {
    const store = await openStore()
    const text = 'x'.repeat(2_000)
    const writes = Array.from({ length: 5_000 }, (_, n) =>
      store.transact(user(`user ${n}`), counting(`user ${n}`, text)),
    )
    await Promise.all(writes)
    await store.close()
    const copy = join(folder, 'copy')
    const wait = waits(SEED, 600)
    let wasWhole = 0
    let wasBegun = 0
    for (let killed = 0; killed < KILLS; killed += 1) {
      const child = startCommand(['backup', copy, '--data', data])
      await began(child, copy)
      await pause(wait())
      if (child.exitCode === null) await kill(child)
      if (existsSync(copy)) wasBegun += 1
      const { code, err } = await finish(['verify-backup', copy])
      if (code === 0) {
        wasWhole += 1
        rmSync(copy, { recursive: true })
      } else {
        expect(err).toContain('is no finished backup')
      }
    }
    console.info(`of ${KILLS} backups ${wasBegun} had begun and ${wasWhole} were finished when they were killed`)
    const last = startCommand(['backup', copy, '--data', data])
    expect(await once(last, 'exit')).toEqual([0, null])
    expect(await finish(['verify-backup', copy])).toMatchObject({ code: 0 })
    const restored = await sqliteStore({ file: join(copy, 'damson.db') })
    expect(await all(restored.profiles(APP))).toHaveLength(5_000)
    await restored.close()
  },
  60_000 + KILLS * 15_000,
)

function linesOf(part: number): string {
  let text = ''
  for (let n = (part * SESSIONS) / 4; n < ((part + 1) * SESSIONS) / 4; n++) {
    const time = 1_700_000_000 + n
    const event = `{"eventId":${n + 1},"name":"e","time":${time},"value":0}`
    text += `{"sessionId":"${n + 1}","userId":"user ${n % USERS}","isSession":true,"time":${time},"duration":1,`
    text += `"states":[{"stateId":${n + 1},"events":[${event}]}]}\n`
  }
  return text
}
