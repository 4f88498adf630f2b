import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '@damson/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { all } from '../conformance/turns.ts'
import type { CampaignSource } from '../content/campaigns.ts'
import { readContent } from '../content/read-content.ts'
import type { ContentSource } from '../content/source.ts'
import { type CampaignJob, runsOf } from '../engine/campaign-jobs.ts'
import { JOB_KIND } from '../engine/job.ts'
import { MESSAGE_DELIVERY, type Outgoing } from '../engine/messages/outgoing.ts'
import { createServer } from '../server.ts'
import { createTestServer, TEST_APP, type TestServer } from '../testing/test-server.ts'

const NOON = Date.UTC(2026, 10, 20, 12)
const APP = 'app_test'

let world: TestServer
beforeEach(async () => void (world = await createTestServer({ now: NOON })))
afterEach(() => world.close())

function webhook(more: object = {}) {
  const content = { url: 'https://shop.example/hello', body: { to: '{{ userId }}' } }
  return { name: 'Hello', state: 'active' as const, channel: 'webhook' as const, content, ...more }
}

async function apply(campaign: Partial<CampaignSource>, more: ContentSource = {}): Promise<void> {
  const plan = await world.server.engine.applyContent(APP, {
    messages: { 42: webhook() },
    campaigns: { 7: { name: 'Autumn', state: 'active', messages: [42], ...campaign } },
    ...more,
  })
  expect(plan).toMatchObject({ ok: true })
}

async function people(count: number, prefix = 'user'): Promise<void> {
  for (let index = 0; index < count; index += 1)
    await world.call('setUserAttributes', { userId: `${prefix}${index}`, userAttributes: { number: index } })
}

/** To whom messages were sent, in order of their names. */
async function sent(): Promise<readonly string[]> {
  const waiting = await all(world.store.deliveries({ appId: APP, kind: MESSAGE_DELIVERY, status: 'waiting' }))
  return waiting.map(({ data }) => (JSON.parse(data) as Outgoing).userId).toSorted()
}

async function runs(): Promise<readonly CampaignJob[]> {
  return runsOf((await world.store.documents(APP, JOB_KIND)).documents, 7)
}

async function eventsOf(userId: string): Promise<readonly string[]> {
  const entries = await world.entries(APP, userId)
  return entries.flatMap((entry) => (entry.kind === 'event' ? [entry.name] : []))
}

describe('a campaign at a time', () => {
  test('sends to everybody in its audience, once, and says what became of it [Q-01]', async () => {
    await people(20)
    await world.call('setUserAttributes', { userId: 'user19', unsubscribeChannelsToAdd: ['Webhook'] })
    await apply({ where: 'attribute.number >= 5', schedule: { at: '2026-11-20T13:00:00Z' } })
    await world.work()
    expect([await sent(), await runs()]).toEqual([[], []])

    world.clock.advance(HOUR_MS)
    await world.work()
    const meant = Array.from({ length: 14 }, (_, index) => `user${index + 5}`).toSorted()
    expect(await sent()).toEqual(meant)
    const [run, ...others] = await runs()
    expect(others).toEqual([])
    expect(run).toMatchObject({
      id: 'campaign_1_7_1795179600000',
      state: 'FINISHED',
      result: { users: 20, sent: 14, heldBack: 0, notSent: 1, isCancelled: false },
    })
    expect([await eventsOf('user5'), await eventsOf('user4'), await eventsOf('user19')]).toEqual([['.m42'], [], []])

    world.clock.advance(HOUR_MS)
    await world.work()
    expect(await sent()).toEqual(meant)
  })

  test('may begin a day late, and not later; a time before it was written down is none of its own [Q-02]', async () => {
    await people(1)
    await apply({ schedule: { at: '2026-11-20T11:59:00Z' } })
    await world.work()
    expect(await runs()).toEqual([])

    await apply({ schedule: { at: '2026-11-20T13:00:00Z' } })
    world.clock.advance(HOUR_MS + DAY_MS)
    await world.work()
    expect(await runs()).toEqual([])
    await apply({ schedule: { at: '2026-11-21T14:00:00Z' } })
    world.clock.advance(HOUR_MS + DAY_MS - 1)
    await world.work()
    expect(await sent()).toEqual(['user0'])
  })

  test('several messages come in one turn, in their order', async () => {
    await people(1)
    const messages = { 42: webhook(), 43: webhook({ name: 'Second' }) }
    await apply({ messages: [43, 42], schedule: { at: '2026-11-20T12:00:01Z' } }, { messages })
    world.clock.advance(SECOND_MS)
    await world.work()
    expect(await eventsOf('user0')).toEqual(['.m43', '.m42'])
    expect((await runs())[0]).toMatchObject({ result: { users: 1, sent: 1 } })
  })
})

describe('a recurring campaign', () => {
  test('runs at each time, by the clock of its zone; each run has each user once [Q-03]', async () => {
    await people(3)
    await apply({ schedule: { cron: '0 9 * * *', timezone: 'America/New_York' } })
    const counts: number[] = []
    // Nine in New York is two in the afternoon in UTC.
    for (const hours of [1, 2, 1, 20, 2, 24]) {
      world.clock.advance(hours * HOUR_MS)
      await world.work()
      counts.push((await sent()).length)
    }
    expect(counts).toEqual([0, 3, 3, 3, 6, 9])
    expect((await runs()).map(({ request }) => new Date(request.runAt).toISOString())).toEqual([
      '2026-11-22T14:00:00.000Z',
      '2026-11-21T14:00:00.000Z',
      '2026-11-20T14:00:00.000Z',
    ])
  })

  test('of the times that a server missed, the last one is made up for', async () => {
    await people(2)
    await apply({ schedule: { cron: '*/10 * * * *' } })
    world.clock.advance(65 * MINUTE_MS)
    await world.work()
    expect((await runs()).map(({ request }) => request.runAt)).toEqual([NOON + HOUR_MS])
  })

  test('a time that comes while a run goes on is passed over', async () => {
    await people(5)
    await apply({ perSecond: 1, schedule: { cron: '* * * * *' } })
    world.clock.advance(MINUTE_MS)
    await world.work()
    world.clock.advance(2 * MINUTE_MS)
    await world.work()
    expect(await runs()).toHaveLength(1)
    for (let second = 0; second < 10; second += 1) {
      world.clock.advance(SECOND_MS)
      await world.work()
    }
    expect((await runs()).map(({ state }) => state)).toEqual(['FINISHED'])
    world.clock.advance(MINUTE_MS)
    await world.work()
    expect(await runs()).toHaveLength(2)
  })
})

describe('while a run goes on', () => {
  test('so many users a second have it, and no more [Q-04]', async () => {
    await people(23)
    await apply({ perSecond: 10, schedule: { at: '2026-11-20T12:00:01Z' } })
    const counts: number[] = []
    for (let tick = 0; tick < 8; tick += 1) {
      world.clock.advance(500)
      await world.work()
      counts.push((await sent()).length)
    }
    expect(counts).toEqual([0, 10, 10, 20, 20, 23, 23, 23])
  })

  test('it ends when the campaign is active no more [Q-05]', async () => {
    await people(12)
    await apply({ perSecond: 5, schedule: { at: '2026-11-20T12:00:01Z' } })
    world.clock.advance(SECOND_MS)
    await world.work()
    await apply({ state: 'finished' })
    world.clock.advance(MINUTE_MS)
    await world.work()
    expect(await sent()).toHaveLength(5)
    expect((await runs())[0]).toMatchObject({ state: 'FINISHED', result: { sent: 5, isCancelled: true } })
  })

  test('another server goes on with it where it is, and nobody has it twice', async () => {
    await people(30)
    await apply({ perSecond: 10, schedule: { at: '2026-11-20T12:00:01Z' } })
    world.clock.advance(SECOND_MS)
    await world.work()
    const other = createServer({ store: world.store, files: world.files, apps: [TEST_APP], clock: world.clock })
    for (const server of [other, world.server, other, world.server]) {
      world.clock.advance(SECOND_MS)
      await server.work()
    }
    expect(await sent()).toEqual(Array.from({ length: 30 }, (_, index) => `user${index}`).toSorted())
    expect((await runs())[0]).toMatchObject({ result: { users: 30, sent: 30 } })
  })

  test('other jobs have their turn between two steps', async () => {
    await people(1_200)
    await apply({ schedule: { at: '2026-11-20T12:00:01Z' } })
    world.clock.advance(SECOND_MS)
    const { jobId } = await world.call('exportUsers')
    await world.work()
    const { documents } = await world.store.documents(APP, JOB_KIND)
    const [run] = await runs()
    expect(run).toMatchObject({ state: 'FINISHED', pauses: 2, result: { users: 1_200, sent: 1_200 } })
    expect(documents.get(jobId as string)).toMatchObject({ state: 'FINISHED' })
  }, 30_000)
})

describe('startCampaign', () => {
  test('gives a campaign to one user now, as often as it is called [Q-06]', async () => {
    await people(2)
    await apply({ where: 'attribute.number = 1' })
    const start = (args: object) => world.call('startCampaign', { campaignId: 7, ...args })
    expect(await start({ userId: 'user1' })).toEqual({ httpStatus: 200, success: true })
    expect(await start({ userId: 'user0' })).toEqual({ httpStatus: 200, success: true })
    expect(await sent()).toEqual(['user1'])
    await start({ userId: 'user0', force: true, values: { code: 'X' } })
    await start({ userId: 'user1' })
    expect(await sent()).toEqual(['user0', 'user1', 'user1'])
  })

  test('skips users nobody knows, and campaigns that are not active [Q-07]', async () => {
    await people(1)
    await apply({ state: 'draft' })
    const notFound = { success: true, warning: { message: 'Campaign not found' } }
    expect(await world.call('startCampaign', { campaignId: 7, userId: 'user0' })).toMatchObject(notFound)
    expect(await world.call('startCampaign', { campaignId: 8, userId: 'user0' })).toMatchObject(notFound)
    expect(await world.call('startCampaign', { campaignId: 7, userId: 'nobody' })).toMatchObject({
      success: true,
      warning: { message: 'User not found; request skipped.' },
    })
    const production = { campaignId: 7, userId: 'user0', clientKey: 'prod_test' }
    expect(await world.call('startCampaign', production)).toMatchObject({ httpStatus: 403 })
    expect(await sent()).toEqual([])
  })

  test('a user who logs in is not given a run again that they had before', async () => {
    await world.call('start', { deviceId: 'phone' })
    await world.call('setUserAttributes', { userId: 'zoe' })
    await apply({ perSecond: 1, schedule: { at: '2026-11-20T12:00:01Z' } })
    world.clock.advance(SECOND_MS)
    await world.work()
    expect(await sent()).toEqual(['phone'])
    // Comes after "phone" in the order of the walk, which has not ended.
    await world.call('setUserAttributes', { deviceId: 'phone', newUserId: 'zoe' })
    world.clock.advance(SECOND_MS)
    await world.work()
    expect(await sent()).toEqual(['phone'])
    expect(await eventsOf('zoe')).toEqual(['.m42'])
  })
})

describe('a campaign that cannot be', () => {
  test.each([
    [{ messages: [] }, 'messages'],
    [{ messages: [41] }, 'messages.0'],
    [{ messages: [42, 42] }, 'messages.1'],
    [{ schedule: {} }, 'schedule.at'],
    [{ schedule: { cron: 'often' } }, 'schedule.cron'],
    [{ audience: 'nobody' }, 'audience'],
  ])('%j is refused, with its place', async (campaign, path) => {
    const source = { name: 'x', state: 'active' as const, messages: [42], ...campaign }
    const content = { messages: { 42: webhook() }, campaigns: { 7: source } }
    const read = readContent(content)
    const plan = read.ok ? await world.server.engine.applyContent(APP, read.content) : read
    expect(plan).toMatchObject({ ok: false })
    expect(plan.ok ? [] : plan.problems.map((one) => one.path.join('.'))).toContain(`campaigns.7.${path}`)
  })
})
