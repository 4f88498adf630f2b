import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { findBinaries } from './binaries.ts'
import { type Cluster, openWorkshop, until } from './cluster.ts'
import { diceOf, pick } from './dice.ts'
import { type Forwarder, openForwarder } from './forwarder.ts'
import { act, closeConnections, createNode, migrate, type ServerNode } from './nodes.ts'

/** Two in every `npm test`, twenty in `pnpm nightly`. */
const FAILOVERS = Number(process.env['DAMSON_FAILOVERS'] ?? 2)
const SEED = Number(process.env['DAMSON_SEED'] ?? Date.now() % 1_000_000)
const USERS = 200
const WRITERS = 32
const NODES = 2
/** How far away the standby is: two processes of one machine are nearer to each other than any two machines. */
const WAY_MS = 3

const binaries = findBinaries()
console.info(`DAMSON_SEED=${SEED} DAMSON_FAILOVERS=${FAILOVERS}`)

describe.skipIf(binaries === null)('the primary is killed with kill -9 under load and the standby promoted', () => {
  test(
    `with a synchronous standby, ${FAILOVERS} times: nothing acknowledged is lost, nothing is there twice`,
    async () => {
      const { lost, twice, missing, unknown, committed, acknowledged } = await play(FAILOVERS, true)
      console.info(
        `${FAILOVERS} failovers, ${acknowledged} events acknowledged, ${lost} of them lost, ${twice} there twice; ` +
          `${unknown} without an answer when the primary died, ${committed} of those had been committed`,
      )
      expect(acknowledged).toBeGreaterThan(FAILOVERS * 50)
      expect({ lost, twice, missing }).toEqual({ lost: 0, twice: 0, missing: 0 })
    },
    60_000 + FAILOVERS * 60_000,
  )

  test('the control: with an asynchronous one something acknowledged is lost', async () => {
    let lost = 0
    let failovers = 0
    for (; lost === 0 && failovers < 10; failovers += 1) lost += (await play(1, false)).lost
    console.info(`asynchronous: ${lost} acknowledged events lost in ${failovers} failovers`)
    expect(lost).toBeGreaterThan(0)
  }, 300_000)
})

interface Outcome {
  readonly acknowledged: number
  /** Acknowledged before a kill and not there after it. */
  readonly lost: number
  /** Sent and not answered when a primary died; and of those, how many were there after it. */
  readonly unknown: number
  readonly committed: number
  /** In the end, after every retry. */
  readonly missing: number
  readonly twice: number
}

async function play(failovers: number, isSynchronous: boolean): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'damson-failover-'))
  const workshop = openWorkshop(binaries!)
  const forwarders: Forwarder[] = []
  const forward = async (to: number, delayMs: number) => {
    const forwarder = await openForwarder(to, delayMs)
    forwarders.push(forwarder)
    return forwarder
  }
  const nodes: ServerNode[] = []
  const dice = diceOf(SEED)
  try {
    let primary = await workshop.primary()
    await primary.ask('CREATE DATABASE damson')
    await migrate(primary.url('damson'))
    const address = await forward(primary.port, 0)
    let [way, standby] = await follow(primary)
    const url = `postgres://postgres@127.0.0.1:${address.port}/damson`
    nodes.push(...Array.from({ length: NODES }, () => createNode({ url, folder })))
    await Promise.all(nodes.map((node) => node.start()))

    const load = startLoad(nodes, dice)
    const totals = { lost: 0, unknown: 0, committed: 0 }
    for (let round = 0; round < failovers; round += 1) {
      const before = load.acknowledged.size
      await until(async () => load.acknowledged.size > before + 100)
      await pause(dice() * 1_000)
      // The lines go with the machine, in the same moment: what was on its way to anybody stays there.
      const gone = primary.kill()
      way.leadTo(null)
      address.leadTo(null)
      await gone
      load.hold()
      const acknowledged = new Set(load.acknowledged)
      const unknown = new Set(load.underWay)
      await standby.promote()
      const there = new Set(await idsIn(standby))
      totals.lost += [...acknowledged].filter((id) => !there.has(id)).length
      totals.unknown += unknown.size
      totals.committed += [...unknown].filter((id) => there.has(id)).length
      primary = standby
      address.leadTo(primary.port)
      // Without one, a synchronous primary lets nobody commit; the other kind does without at the end.
      if (isSynchronous || round + 1 < failovers) [way, standby] = await follow(primary)
      load.goOn()
    }
    await load.stop()
    const inTheEnd = await idsIn(primary)
    const there = new Set(inTheEnd)
    return {
      ...totals,
      acknowledged: load.acknowledged.size,
      missing: [...load.acknowledged].filter((id) => !there.has(id)).length - (isSynchronous ? 0 : totals.lost),
      twice: inTheEnd.length - there.size,
    }
  } finally {
    await Promise.all(nodes.map((node) => node.kill()))
    closeConnections()
    await Promise.all(forwarders.map((forwarder) => forwarder.close()))
    await workshop.close()
    rmSync(folder, { recursive: true, force: true })
  }

  /** A standby that has caught up; from then on, if it is to be, nothing is committed without it. */
  async function follow(primary: Cluster): Promise<[Forwarder, Cluster]> {
    const way = await forward(primary.port, WAY_MS)
    const standby = await workshop.standby(primary, way.port)
    // A promoted standby has the setting already, and lets nobody commit until this one is there.
    await primary.ask(`ALTER SYSTEM SET synchronous_standby_names = '${isSynchronous ? '*' : ''}'`)
    await primary.ask('SELECT pg_reload_conf()')
    const wanted = isSynchronous ? 'sync' : 'async'
    await until(async () => {
      const [state] = await primary.ask('SELECT state, sync_state FROM pg_stat_replication')
      return state?.['state'] === 'streaming' && state['sync_state'] === wanted
    })
    return [way, standby]
  }
}

/** The ids of the events that are there, whatever form they are kept in. */
async function idsIn(cluster: Cluster): Promise<string[]> {
  const client = new Client({ connectionString: cluster.url('damson') })
  await client.connect()
  try {
    const { rows } = await client.query<{ id: string }>(
      `SELECT (regexp_matches(data, 'message-[0-9]+-[0-9]+', 'g'))[1] AS id FROM entries`,
    )
    return rows.map(({ id }) => id)
  } finally {
    await client.end()
  }
}

/** Writers that send one event after the other, each again and again under the same id until it is answered. */
function startLoad(nodes: readonly ServerNode[], dice: () => number) {
  const acknowledged = new Set<string>()
  const underWay = new Set<string>()
  let isOver = false
  let held: Promise<void> = Promise.resolve()
  let release = () => {}

  async function write(writer: number): Promise<void> {
    for (let n = 0; !isOver; n += 1) {
      await held
      const id = `message-${writer}-${n}`
      const userId = `user-${Math.floor(dice() * USERS)}`
      underWay.add(id)
      while (!(await send(userId, id))) {
        await held
        await pause(20)
      }
      underWay.delete(id)
      acknowledged.add(id)
    }
  }

  async function send(userId: string, id: string): Promise<boolean> {
    const { port } = pick(dice, nodes)
    if (port === null) return false
    const args = { action: 'track', userId, event: 'Bought', info: id, reqId: id }
    const { status, body } = await act(port, args).catch(() => ({ status: 0, body: '' }))
    if (status !== 200) return false
    expect(body).toContain('"success":true')
    return true
  }

  const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer))
  return {
    acknowledged,
    underWay,
    hold() {
      held = new Promise((resolve) => (release = resolve))
    },
    goOn: () => release(),
    async stop() {
      isOver = true
      await Promise.all(writers)
    },
  }
}
