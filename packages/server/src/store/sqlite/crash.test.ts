import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { all, APP, historyOf } from '../../conformance/turns.ts'
import type { Ask, Reply } from './fixtures/crash-child.ts'
import { sqliteStore } from './sqlite-store.ts'

const KILLS = Number(process.env.DAMSON_KILLS ?? 25)
const SEED = Number(process.env.DAMSON_SEED ?? Date.now() % 1_000_000)
const WRITERS = 32
const USERS = 20

test(
  `nothing acknowledged is lost and nothing counted twice over ${KILLS} kills [A1]`,
  async () => {
    console.info(`DAMSON_SEED=${SEED} DAMSON_KILLS=${KILLS}`)
    const random = seeded(SEED)
    await inFolder(async (file) => {
      /** Asked and not answered: after a crash nobody knows what became of them, so they are asked again. */
      const unknown = new Map<string, Ask>()
      const acknowledged = new Map<string, Ask>()
      let asked = 0
      for (let life = 0; life <= KILLS; life += 1) {
        const isLast = life === KILLS
        const child = start(file)
        await opened(child)
        const killAfter = Math.floor(random() * 400)
        let answers = 0
        const ended = once(child, 'exit')
        const ask = () => {
          const userId = `user ${Math.floor(random() * USERS)}`
          const next = { id: `message ${(asked += 1)}`, userId }
          unknown.set(next.id, next)
          child.send(next, ignoreClosed)
        }
        child.on('message', (message: Reply) => {
          if (message.type !== 'done') return
          const { id } = message
          acknowledged.set(id, unknown.get(id) ?? fail(`${id} was answered twice`))
          unknown.delete(id)
          answers += 1
          const isOver = isLast ? unknown.size === 0 : answers >= killAfter
          if (isOver) child.kill('SIGKILL')
          else if (!isLast) ask()
        })
        for (const again of unknown.values()) child.send(again, ignoreClosed)
        while (!isLast && unknown.size < WRITERS) ask()
        if (isLast && unknown.size === 0) child.kill('SIGKILL')
        await ended
      }

      const store = await sqliteStore({ file })
      const counts = new Map<string, number>()
      for (const { userId } of acknowledged.values()) counts.set(userId, (counts.get(userId) ?? 0) + 1)
      const profiles = await all(store.profiles(APP))
      expect(new Map(profiles.map(({ userId, eventCount }) => [userId, eventCount]))).toEqual(counts)
      const stored: string[] = []
      for (const userId of counts.keys()) stored.push(...(await historyOf(store, userId)))
      expect(stored.sort()).toEqual([...acknowledged.keys()].sort())
      await store.close()
      console.info(`${acknowledged.size} messages acknowledged, ${stored.length} found`)
    })
  },
  30_000 + KILLS * 5_000,
)

test('a second process on the same file is refused, and told by whom [A9]', async () => {
  await inFolder(async (file) => {
    const store = await sqliteStore({ file })
    const child = start(file)
    const [message] = (await once(child, 'message')) as [Reply]
    expect(message).toMatchObject({ type: 'refused', code: 'STORE_LOCKED' })
    expect(message).toMatchObject({
      message: expect.stringContaining(`in use by another process (pid ${process.pid})`),
    })
    child.kill('SIGKILL')
    await once(child, 'exit')
    await store.close()
  })
})

test('a killed owner leaves no lock behind', async () => {
  await inFolder(async (file) => {
    const owner = start(file)
    await opened(owner)
    await expect(sqliteStore({ file })).rejects.toMatchObject({ code: 'STORE_LOCKED' })
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    const store = await sqliteStore({ file })
    await store.close()
  })
})

function start(file: string): ChildProcess {
  const script = fileURLToPath(new URL('./fixtures/crash-child.ts', import.meta.url))
  return fork(script, [file], { execArgv: ['--import', 'tsx'], stdio: 'inherit' })
}

async function opened(child: ChildProcess): Promise<void> {
  const [message] = (await once(child, 'message')) as [Reply]
  expect(message).toEqual({ type: 'open' })
}

/** A message to a process that was just killed goes nowhere; it stays unknown and is asked again. */
function ignoreClosed(): void {}

function fail(reason: string): never {
  throw new Error(reason)
}

async function inFolder(use: (file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'damson-'))
  try {
    await use(join(folder, 'damson.db'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Mulberry32: small, and the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
