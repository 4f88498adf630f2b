import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { createClient } from '@damson/core'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { findBinaries } from './binaries.ts'
import { openWorkshop, until } from './cluster.ts'
import { compare } from './compare.ts'
import { diceOf, pick } from './dice.ts'
import { act, APP, closeConnections, createNode, MAIN, migrate, type ServerNode } from './nodes.ts'
import { readLog } from './reference.ts'
import { makeUsers, requestOf, type SimulatedUser } from './users.ts'

/** Four in every `npm test`, twenty in `pnpm nightly`. */
const KILLS = Number(process.env['DAMSON_MOVE_KILLS'] ?? 4)
/** Of them, so many while it hands over. */
const KILLS_AT_THE_END = Math.ceil(KILLS / 4)
const SEED = Number(process.env['DAMSON_SEED'] ?? Date.now() % 1_000_000)
const USERS = 1_000
const WISHES = 400
const VISITORS = 50
const AT_ONCE = 8
const AFTERWARDS_MS = 1_000
/** After that every session is over. */
const LATER_SECONDS = 5 * 60 * 60

const binaries = findBinaries()
console.info(`DAMSON_SEED=${SEED} DAMSON_MOVE_KILLS=${KILLS}`)

test.skipIf(binaries === null)(
  `a server under load moves to PostgreSQL, its move killed ${KILLS} times: all that was acknowledged is there once, sessions are those of the reference [B-07]`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'damson-move-'))
    const workshop = openWorkshop(binaries!)
    const nodes: ServerNode[] = []
    try {
      const url = (await workshop.primary()).url('damson')
      await createDatabase(url)
      const old = createNode({ url: null, folder })
      const next = createNode({ url, folder })
      nodes.push(old, next)
      await old.start()
      const traffic = openTraffic(old, next)
      await traffic.fill()
      const loading = traffic.run()

      const { kills, starting, out } = await moveAndKill(folder, url, next)
      expect(out).toContain('All of it is there')
      await starting
      await pause(AFTERWARDS_MS)
      const { users, visits } = await loading()
      expect(traffic.refusals()).toBeGreaterThan(0)
      console.info(`${kills} kills. ${out}`)
      console.info(`Nobody was answered for ${traffic.longestSilenceMs()} ms at most; ${traffic.refusals()} refusals.`)

      await old.stop()
      await expect(old.start()).rejects.toThrow('a node ended with 1')
      const client = new Client({ connectionString: url })
      await client.connect()
      const log = await readLog(client)
      await next.stop()
      await next.start([`--clock-offset=${LATER_SECONDS}`])
      await until(async () => (await client.query('SELECT 1 FROM profiles WHERE wake_at IS NOT NULL')).rowCount === 0)
      await client.end()
      const events = await compare(users, log, url)
      const seen = [...events].filter(([userId]) => userId.startsWith('visitor')).flatMap(([, infos]) => infos)
      expect(seen).toHaveLength(visits)
      expect(new Set(seen).size).toBe(visits)
      console.info(
        `${users.flatMap(({ wishes }) => wishes).length} messages and ${visits} events of our client, each there once`,
      )
    } finally {
      await Promise.all(nodes.map((node) => node.kill()))
      closeConnections()
      await workshop.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
  300_000 + KILLS * 20_000,
)

async function createDatabase(url: string): Promise<void> {
  const maintenance = new URL(url)
  maintenance.pathname = '/postgres'
  const client = new Client({ connectionString: maintenance.href })
  await client.connect()
  await client.query('CREATE DATABASE damson')
  await client.end()
  await migrate(url)
}

interface Move {
  readonly ended: Promise<{ readonly out: string; readonly err: string; readonly code: number | null }>
  saying(part: string): Promise<void>
  kill(): void
}

function move(folder: string, url: string, ...flags: readonly string[]): Move {
  const child = spawn(process.execPath, [MAIN, 'move', '--from', folder, '--to', url, ...flags])
  const [out, err, exited] = [text(child.stdout), text(child.stderr), once(child, 'exit')]
  return {
    ended: Promise.all([out, err, exited]).then(([printed, complaint, [code]]) => ({
      out: printed.trim(),
      err: complaint,
      code: code as number | null,
    })),
    saying: (part) =>
      new Promise((resolve) => {
        child.stdout.on('data', (chunk: Buffer) => chunk.includes(part) && resolve())
        child.once('exit', () => resolve())
      }),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** Kills it wherever it is: anywhere in the copy at first, and then at the hand-over; the last one may end. */
async function moveAndKill(folder: string, url: string, next: ServerNode) {
  const dice = diceOf(SEED + 1)
  let kills = 0
  for (; kills < KILLS - KILLS_AT_THE_END; kills += 1) {
    const moving = move(folder, url, '--copy-only')
    await pause(300 + dice() * 3_000)
    moving.kill()
    expect((await moving.ended).err).toBe('')
  }
  // However early it was killed: a server that is started after this waits for the end.
  expect(await move(folder, url, '--copy-only').ended).toMatchObject({ err: '', code: 0 })
  const starting = next.start()
  // Whatever goes wrong before it is awaited is what the test tells.
  starting.catch(() => undefined)
  for (; kills < KILLS; kills += 1) {
    const moving = move(folder, url)
    await moving.saying('Handing over')
    await pause(dice() * 150)
    moving.kill()
    const { err, out } = await moving.ended
    expect(err).toBe('')
    if (out.includes('All of it is there')) return { kills, starting, out }
  }
  const { out, err, code } = await move(folder, url).ended
  expect([err, code]).toEqual(['', 0])
  return { kills, starting, out }
}

/** Users who send messages of their own, and visitors whom our client tells of; always at the server that is there. */
function openTraffic(old: ServerNode, next: ServerNode) {
  const everybody = makeUsers(USERS, WISHES, SEED)
  const sent = everybody.map(() => 0)
  const dice = diceOf(SEED)
  const portNow = () => next.port ?? old.port ?? 0
  let [refusals, answeredAt, silenceMs, isOver, visits] = [0, Date.now(), 0, false, 0]

  function heard(status: number): void {
    if (status === 503) refusals += 1
    if (status !== 200) return
    silenceMs = Math.max(silenceMs, Date.now() - answeredAt)
    answeredAt = Date.now()
  }

  const client = createClient({
    appId: APP.appId,
    clientKey: 'prod',
    async fetch(request) {
      const path = new URL(request.url).pathname
      const answer = await fetch(new Request(`http://127.0.0.1:${portNow()}${path}`, request))
      heard(answer.status)
      return answer
    },
  })

  async function live(index: number): Promise<void> {
    const user = everybody[index]
    const wish = user?.wishes[sent[index] ?? 0]
    if (user === undefined || wish === undefined) return
    for (;;) {
      const answer = await act(portNow(), requestOf(user, wish)).catch(() => null)
      heard(answer?.status ?? 0)
      if (answer?.status === 200) {
        expect(answer.body).toContain('"success":true')
        break
      }
      await pause(20)
    }
    sent[index] = (sent[index] ?? 0) + 1
  }

  return {
    refusals: () => refusals,
    longestSilenceMs: () => silenceMs,
    /** Everybody does a few things. */
    async fill() {
      for (let round = 0; round < 3; round += 1) await Promise.all(everybody.map((_, index) => live(index)))
    },
    /** Goes on until the answer is called, which says what was sent. */
    run() {
      silenceMs = 0
      answeredAt = Date.now()
      const free = new Set(everybody.keys())
      const worker = async () => {
        while (!isOver) {
          const index = pick(dice, [...free])
          free.delete(index)
          await live(index)
          free.add(index)
          await pause(10)
        }
      }
      const visit = async () => {
        while (!isOver) {
          const visitor = `visitor-${Math.floor(dice() * VISITORS)}`
          await client.for({ userId: visitor }).track('Seen', undefined, { info: `visit-${(visits += 1)}` })
          await pause(5)
        }
      }
      const working = Promise.all([visit(), ...Array.from({ length: AT_ONCE }, worker)])
      return async (): Promise<{ readonly users: readonly SimulatedUser[]; readonly visits: number }> => {
        isOver = true
        await working
        expect(await client.flush({ timeoutMs: 60_000 })).toMatchObject({ dropped: 0, pending: 0 })
        await client.close()
        const users = everybody.map((user, index) => ({ ...user, wishes: user.wishes.slice(0, sent[index]) }))
        return { users, visits }
      }
    },
  }
}
