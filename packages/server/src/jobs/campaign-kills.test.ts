import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { all } from '../conformance/turns.ts'
import { type CampaignJob, runsOf } from '../engine/campaign-jobs.ts'
import { hadRun } from '../engine/campaigns.ts'
import { JOB_KIND } from '../engine/job.ts'
import { MESSAGE_DELIVERY } from '../engine/messages/outgoing.ts'
import type { Profile } from '../engine/profile.ts'
import { createServer } from '../server.ts'
import { sqliteStore } from '../store/sqlite/index.ts'
import { TEST_APP } from '../testing/test-server.ts'
import { LEASE_MS } from '../timers/dispatcher.ts'
import { mailTarget, type Target, webhookTarget } from './fixtures/campaign-target.ts'
import { kill, pause, startChild, waits } from './fixtures/killing.ts'

/** `DAMSON_CAMPAIGN_KILLS=20 DAMSON_SENDS=50000` for the figures that are quoted; each kill costs seconds. */
const KILLS = Number(process.env.DAMSON_CAMPAIGN_KILLS ?? 4)
const SENDS = Number(process.env.DAMSON_SENDS ?? 1_000)
const SEED = Number(process.env.DAMSON_SEED ?? Date.now() % 1_000_000)
console.info(`DAMSON_SEED=${SEED} DAMSON_CAMPAIGN_KILLS=${KILLS} DAMSON_SENDS=${SENDS}`)

const APP = TEST_APP.appId

test.each([
  ['webhooks', webhookTarget],
  ['mails that are finished one by one', mailTarget],
])(
  `a campaign of ${SENDS} %s that is killed ${KILLS} times: each user has one message, of one id [Q-08]`,
  async (_, openTarget) => {
    const folder = mkdtempSync(join(tmpdir(), 'damson-campaign-'))
    const file = join(folder, 'damson.db')
    let child: ChildProcess | null = null
    let callsLeft = Infinity
    const target = await openTarget(() => {
      callsLeft -= 1
      // Killed before it can hear of the answer.
      if (callsLeft === 0) child?.kill('SIGKILL')
    })
    await fill(file, target)

    const wait = waits(SEED, 1)
    let aheadMs = 0
    let found = await look(file)
    for (let killed = 0; killed < KILLS; killed += 1) {
      // By turns after so many calls, and at any moment; early enough that there is something left for the next one.
      const isCounted = killed % 2 === 0
      const before = target.told().length
      callsLeft = isCounted ? 1 + Math.floor((wait() * (SENDS - before)) / (KILLS - killed + 1)) : Infinity
      child = await startChild('./campaign-child.ts', [file, String(aheadMs), target.messaging])
      if (isCounted) await ended(child)
      else await pause(wait() * 1_000)
      await kill(child)
      aheadMs += LEASE_MS + 1_000
      found = await look(file)
      console.info(`after kill ${killed + 1}: ${found.recorded} recorded, ${target.told().length} calls`)
    }
    callsLeft = Infinity
    child = await startChild('./campaign-child.ts', [file, String(aheadMs), target.messaging])
    // Repetitions come with the rest: what was claimed when a server died is free for this one at once.
    while (new Set(target.told().map(({ to }) => to)).size < SENDS) await pause(500)
    child.kill('SIGTERM')
    await ended(child)
    const told = target.told()
    await target.close()

    const { users, run, waiting, recorded } = await look(file)
    const ids = new Map<string, Set<string>>()
    for (const { to, id } of told) ids.set(to, (ids.get(to) ?? new Set()).add(id))
    const repeated = told.length - ids.size
    console.info(`${recorded} recorded, ${told.length} calls, ${repeated} of them repetitions`)
    const isOnce = (one: Profile): boolean =>
      one.events['.m42']?.count === 1 && one.events['.m42 Delivered']?.count === 1 && hadRun(one, 7, run!.request.runAt)
    expect([users.length, users.filter(isOnce).length]).toEqual([SENDS, SENDS])
    expect(run).toMatchObject({ state: 'FINISHED', result: { users: SENDS, sent: SENDS, isCancelled: false } })
    expect([ids.size, waiting]).toEqual([SENDS, 0])
    // Whoever is told twice can see it: it is the same message.
    expect([...ids.values()].filter((one) => one.size > 1)).toEqual([])
    expect(repeated).toBeLessThanOrEqual(KILLS * target.underWay)
    rmSync(folder, { recursive: true })
  },
  120_000 + KILLS * 30_000 + SENDS * 10,
)

async function fill(file: string, { message }: Target): Promise<void> {
  const server = createServer({ store: await sqliteStore({ file }), apps: [TEST_APP] })
  await server.work()
  for (let first = 0; first < SENDS; first += 500) {
    const count = Math.min(500, SENDS - first)
    const data = Array.from({ length: count }, (_, index) => ({
      action: 'track',
      userId: `user${first + index}`,
      event: 'Seen',
    }))
    const { elements } = await server.engine.performImport(APP, data)
    expect(elements.filter(({ outcome }) => !outcome.success)).toEqual([])
  }
  const plan = await server.engine.applyContent(APP, {
    messages: { 42: { name: 'Hello', state: 'active', ...message } },
    campaigns: { 7: { name: 'All', state: 'active', messages: [42], schedule: { at: soon() } } },
  })
  expect(plan).toMatchObject({ ok: true })
  await server.stop()
}

function soon(): string {
  return new Date(Date.now() + 1_000).toISOString()
}

/** What is in the store, while nobody else has it. */
async function look(file: string) {
  const store = await sqliteStore({ file })
  const users = await all(store.profiles(APP))
  const [run = null] = runsOf((await store.documents(APP, JOB_KIND)).documents, 7) as readonly (CampaignJob | null)[]
  const waiting = (await all(store.deliveries({ appId: APP, kind: MESSAGE_DELIVERY, status: 'waiting' }))).length
  await store.close()
  const recorded = users.filter((one) => one.events['.m42'] !== undefined).length
  return { users, run, waiting, recorded }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise((resolve) => child.once('exit', resolve))
}
