import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { findBinaries } from './binaries.ts'
import { createCitusDatabase, findCitus } from './citus.ts'
import { openWorkshop, until } from './cluster.ts'
import { compare } from './compare.ts'
import { diceOf, pick } from './dice.ts'
import { act, closeConnections, createNode, migrate, post, type ServerNode } from './nodes.ts'
import { openReceiver } from './receiver.ts'
import { readLog } from './reference.ts'
import { DOOMED, makeUsers, requestOf, shuffled, type SimulatedUser } from './users.ts'

/** A thousand in every `npm test`, ten thousand in `pnpm nightly`. */
const USERS = Number(process.env['DAMSON_USERS'] ?? 1_000)
const SEED = Number(process.env['DAMSON_SEED'] ?? Date.now() % 1_000_000)
const WISHES = 12
const AT_ONCE = 64
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** In which the users do all they do. */
const DAY_OUT_MS = 10 * HOUR_MS
/** By how much the clock of each node is off. */
const SKEWS_MS = [10 * MINUTE_MS, 0, -10 * MINUTE_MS]
const TRIES_MAX = 10
const MOVE_MS = 20 * MINUTE_MS
const KILLS_WHILE_SENDING = 3

const binaries = findBinaries()
const citus = findCitus()
console.info(`DAMSON_SEED=${SEED} DAMSON_USERS=${USERS}`)

const NAME = 'three nodes, clocks ten minutes apart either way, killed at random'

test.skipIf(binaries === null)(
  `${NAME}: ${USERS} users have the sessions of the reference`,
  async () => {
    const workshop = openWorkshop(binaries!)
    try {
      const cluster = await workshop.primary()
      await cluster.ask('CREATE DATABASE damson')
      await migrate(cluster.url('damson'))
      await expectStories(cluster.url('damson'))
    } finally {
      await workshop.close()
    }
  },
  120_000 + USERS * 100,
)

test.skipIf(citus === null)(
  `${NAME}, on a Citus: ${USERS} users have the sessions of the reference`,
  async () => {
    const database = await createCitusDatabase(citus!)
    try {
      await expectStories(database.url)
    } finally {
      await database.drop()
    }
  },
  240_000 + USERS * 300,
)

async function expectStories(url: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'damson-nodes-'))
  const receiver = await openReceiver()
  const fleet: Fleet[] = []
  try {
    const client = new Client({ connectionString: url })
    client.on('error', () => undefined)
    await client.connect()
    const world = { nodes: SKEWS_MS.map(() => createNode({ url, folder })), now: Date.now() }
    const nodes = openFleet(world.nodes, world)
    fleet.push(nodes)
    await nodes.start()
    await addRule(world.nodes, receiver.url)

    const users = makeUsers(USERS, WISHES, SEED)
    const began = world.now
    const killing = nodes.killAtRandom(diceOf(SEED + 1))
    const moving = nodes.keepMoving()
    const retried = await live(users, world.nodes, (part) => (world.now = began + part * DAY_OUT_MS))
    await killing.stop()
    await moving.stop()
    // Nothing is forgotten yet: message ids are kept for a day.
    const log = await readLog(client)
    const kills = killing.kills() + (await sendAll(nodes, world, client))
    await nodes.stop()

    console.info(
      `${users.length} users, ${log.size} messages, ${retried} tries that failed, ${kills} kills; ` +
        `${receiver.calls.length} calls for ${messagesOf(users).length} postbacks`,
    )
    expect(kills).toBeGreaterThanOrEqual(5)
    expect(log.size).toBe(USERS * WISHES)
    expect((await compare(users, log, url)).size).toBe(users.length)
    expectCalls(users, receiver.calls)
    const { rows } = await client.query<{ attempt: number }>('SELECT attempt FROM deliveries')
    expect(rows).toHaveLength(DOOMED)
    expect(rows.filter(({ attempt }) => attempt < TRIES_MAX)).toEqual([])
    await client.end()
  } finally {
    await fleet[0]?.kill()
    closeConnections()
    await receiver.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface World {
  readonly nodes: readonly ServerNode[]
  /** What the time is, for a node whose clock is right. */
  now: number
}

interface Fleet {
  start(): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
  /** Sets the clocks; resolves when all nodes that are there have ended and sent what is due. */
  move(): Promise<void>
  killOne(dice: () => number): Promise<void>
  killAtRandom(dice: () => number): { stop(): Promise<void>; kills(): number }
  /** Sets the clocks again and again. */
  keepMoving(): { stop(): Promise<void> }
}

function openFleet(nodes: readonly ServerNode[], world: World): Fleet {
  const clockOf = (index: number) => world.now + (SKEWS_MS[index] ?? 0)

  function start(index: number): Promise<void> {
    const offset = ((clockOf(index) - Date.now()) / 1_000).toFixed(3)
    const local = ['--allow-private-destinations', '127.0.0.0/8']
    return nodes[index]!.start(['--test-clock', `--clock-offset=${offset}`, ...local])
  }

  async function move(): Promise<void> {
    const moves = nodes.map(async ({ port }, index) => {
      if (port === null) return
      // Who is killed meanwhile gets its time when it starts again.
      await post(port, '/test-clock', { set: clockOf(index) / 1_000 }).catch(() => null)
    })
    await Promise.all(moves)
  }

  async function killOne(dice: () => number): Promise<void> {
    const index = Math.floor(dice() * nodes.length)
    await nodes[index]!.kill()
    await pause(dice() * 500)
    await start(index)
  }

  return {
    start: async () => void (await Promise.all(nodes.map((_, index) => start(index)))),
    stop: async () => void (await Promise.all(nodes.map((node) => node.stop()))),
    kill: async () => void (await Promise.all(nodes.map((node) => node.kill()))),
    move,
    killOne,
    killAtRandom(dice) {
      let [isOver, kills] = [false, 0]
      const done = (async () => {
        while (!isOver) {
          await pause(dice() * 1_500)
          await killOne(dice)
          kills += 1
        }
      })()
      return { stop: () => ((isOver = true), done), kills: () => kills }
    },
    keepMoving() {
      let isOver = false
      const done = (async () => {
        while (!isOver) {
          await move()
          await pause(50)
        }
      })()
      return { stop: () => ((isOver = true), done) }
    },
  }
}

async function addRule(nodes: readonly ServerNode[], postbackUrl: string): Promise<void> {
  const { body } = await act(nodes[0]?.port ?? 0, { action: 'addPostback', clientKey: 'export', postbackUrl })
  expect(body).toContain('"success":true')
  // The others read it within a second.
  await pause(1_500)
}

/** Everybody does all they wish, each one thing at a time, at whatever node. @returns how many tries broke */
async function live(
  users: readonly SimulatedUser[],
  nodes: readonly ServerNode[],
  onProgress: (part: number) => void,
): Promise<number> {
  const dice = diceOf(SEED + 2)
  let [done, broken] = [0, 0]

  async function carryOut(user: SimulatedUser, round: number): Promise<void> {
    const wish = user.wishes[round]
    if (wish === undefined) return
    while (!(await ask(pick(dice, nodes).port, requestOf(user, wish)))) {
      broken += 1
      await pause(20)
    }
    done += 1
    onProgress(done / (users.length * WISHES))
  }

  for (let round = 0; round < WISHES; round += 1) {
    const order = shuffled(users.length, dice)
    let next = 0
    const worker = async () => {
      for (let user = users[order[next++] ?? -1]; user !== undefined; user = users[order[next++] ?? -1])
        await carryOut(user, round)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  }
  return broken
}

/** `false`: nobody knows, or it is to be tried again. */
async function ask(port: number | null, request: object): Promise<boolean> {
  if (port === null) return false
  const answer = await act(port, request).catch(() => null)
  if (answer === null || answer.status === 503 || answer.status === 429) return false
  expect(answer.status).toBe(200)
  expect(answer.body).toContain('"success":true')
  return true
}

/**
 * Lets hours pass, killing now and then at first, until nothing waits to be sent and every session is over: what a killed node
 * looked after is looked after by others some seconds later. @returns how often it killed
 */
async function sendAll(nodes: Fleet, world: World, client: Client): Promise<number> {
  const dice = diceOf(SEED + 3)
  let kills = 0
  await until(async () => {
    world.now += MOVE_MS
    await nodes.move()
    if (kills < KILLS_WHILE_SENDING && dice() < 0.05) {
      await nodes.killOne(dice)
      kills += 1
    }
    const { rowCount } = await client.query(
      `(SELECT 1 FROM deliveries WHERE failed_at IS NULL LIMIT 1)
       UNION ALL (SELECT 1 FROM profiles WHERE wake_at IS NOT NULL LIMIT 1)`,
    )
    return rowCount === 0
  })
  return kills
}

function messagesOf(users: readonly SimulatedUser[]): number[] {
  return users.flatMap(({ wishes }) => wishes.flatMap(({ messageId }) => messageId ?? []))
}

/** Everything arrived but what nobody takes; under one id each, and none was tried too often. */
function expectCalls(
  users: readonly SimulatedUser[],
  calls: readonly { readonly id: string; readonly messageId: number; readonly status: number }[],
): void {
  const ids = new Map<number, Set<string>>()
  const times = new Map<string, number>()
  const taken = new Set<number>()
  for (const { id, messageId, status } of calls) {
    ids.set(messageId, (ids.get(messageId) ?? new Set()).add(id))
    times.set(id, (times.get(id) ?? 0) + 1)
    if (status === 204) taken.add(messageId)
  }
  const messages = messagesOf(users)
  expect(messages.filter((messageId) => ids.get(messageId)?.size !== 1)).toEqual([])
  expect(messages.filter((messageId) => messageId > DOOMED && !taken.has(messageId))).toEqual([])
  expect(Math.max(...times.values())).toBeLessThanOrEqual(TRIES_MAX)
}
