import { SECOND_MS } from '@damson/core'
import { beforeEach, expect, test } from 'vitest'
import type { CampaignSource } from '../../content/campaigns.ts'
import { createTestServer, type TestServer } from '../../testing/test-server.ts'

const NOW = 1_700_000_000_000

let world: TestServer
beforeEach(async () => void (world = await createTestServer({ now: NOW })))

const mail = { name: 'Mail', state: 'active', channel: 'email', content: { subject: 'Hi', html: '-' } } as const

async function apply(content: Parameters<TestServer['server']['engine']['applyContent']>[1]): Promise<void> {
  expect(await world.server.engine.applyContent('app_test', content)).toMatchObject({ ok: true })
}

test('is told with the campaign that sends it, and when: an active one before others, drafts if asked for [M-30]', async () => {
  const campaign = (more: Partial<CampaignSource>): CampaignSource => ({
    name: 'C',
    state: 'active',
    messages: [7],
    ...more,
  })
  const told = async (campaigns: Record<string, CampaignSource>, includeDrafts = false) => {
    await apply({ messages: { 7: mail, 8: mail }, campaigns })
    const message = (await world.call('getMessage', { id: 7, includeDrafts })).message as Record<string, unknown>
    const messages = (await world.call('getMessages', { includeDrafts })).messages as object[]
    expect(messages[0]).toEqual(message)
    expect(messages[1], 'in no campaign').not.toHaveProperty('campaignID')
    return [message['campaignID'], message['campaignName'], message['scheduledTime']]
  }
  const none = [undefined, undefined, undefined]
  const at = '2023-11-01T09:00:00+01:00'
  const nine = Date.parse(at) / SECOND_MS
  expect(await told({})).toEqual(none)
  expect(await told({ 3: campaign({}) }), 'by hand').toEqual([3, 'C', undefined])
  expect(await told({ 3: campaign({ schedule: { at } }) }), 'past').toEqual([3, 'C', nine])
  expect(await told({ 3: campaign({ schedule: { cron: '0 9 * * *' } }) }), 'the next').toEqual([
    3,
    'C',
    Date.parse('2023-11-15T09:00:00Z') / SECOND_MS,
  ])
  expect(await told({ 3: campaign({ state: 'finished', schedule: { cron: '0 9 * * *' } }) })).toEqual([
    3,
    'C',
    undefined,
  ])
  const two = { 3: campaign({ state: 'finished', schedule: { at } }), 12: campaign({ name: 'D' }) }
  expect(await told(two)).toEqual([12, 'D', undefined])
  const draft = { 3: campaign({ state: 'draft', schedule: { at } }) }
  expect(await told(draft)).toEqual(none)
  expect(await told(draft, true)).toEqual([3, 'C', nine])
})
test('an inbox message tells which campaign put it there, and none if none did [N-08]', async () => {
  const inbox = { name: 'News', state: 'active', channel: 'inbox', content: { title: 'Hi' } } as const
  await apply({ messages: { 7: inbox }, campaigns: { 3: { name: 'C', state: 'active', messages: [7] } } })
  await world.call('setUserAttributes', { userId: 'ann' })
  await world.call('startCampaign', { userId: 'ann', campaignId: 3 })
  await world.call('sendMessage', { userId: 'ann', messageId: 7 })
  const { newsfeedMessages } = await world.call('getNewsfeedMessages', { userId: 'ann', deviceId: 'phone' })
  expect(newsfeedMessages).toMatchObject({
    '7##0': { messageData: { parentCampaignId: 3 } },
    '7##1': { messageData: { parentCampaignId: null } },
  })
})
