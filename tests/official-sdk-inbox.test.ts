import { hasChromium } from '@damson/tests-browser'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSdkShop, type SdkShop } from './sdk-shop.ts'

let opened: SdkShop | null = null
let world: SdkShop['world']
let browser: SdkShop['browser']
let api: string
let shop: string

beforeAll(async () => {
  if (!hasChromium) return
  opened = await openSdkShop()
  ;({ world, browser, api, shop } = opened)
}, 60_000)

afterAll(() => opened?.close())

/** A message in Ann's inbox, as it is kept. */
const deliver = (id: string, title: string) =>
  world.store.transact({ appId: 'app_test', userId: 'ann', deviceId: null, needsSeen: false }, ({ subject }) => {
    const vars = { Title: title, Subtitle: 'Today only', 'Open action': { __name__: '' } }
    const item = { deliveredAt: world.clock.now(), expiresAt: null, isRead: false, vars }
    const profile = { ...subject!, inbox: { ...subject!.inbox, [id]: item }, inboxCount: subject!.inboxCount + 1 }
    return { answer: null, subject: { profile, wakeAt: null } }
  })

const kept = async () => {
  const { newsfeedMessages } = await world.call('getNewsfeedMessages', { userId: 'ann' })
  const messages = Object.entries(newsfeedMessages as Record<string, { isRead: boolean }>)
  return messages.map(([id, { isRead }]) => [id, isRead])
}

/** In the page: begins, waits for what comes of it, and does `act` with the inbox; then sees what is in it. */
const visit = (act: string) => `new Promise((resolve) => {
  const inbox = Leanplum.inbox()
  const shown = () => resolve(inbox.allMessages().map((one) => [one.id(), one.title(), one.subtitle(), one.isRead()]))
  const done = () => { ${act}; Leanplum.forceContentUpdate(shown) }
  let isBegun = false
  inbox.onChanged(() => { if (!isBegun) { isBegun = true; setTimeout(done) } })
  Leanplum.setApiPath(${JSON.stringify(api)})
  Leanplum.setDeviceId('phone')
  Leanplum.setRequestBatching(false)
  Leanplum.setAppIdForProductionMode('app_test', 'prod_test')
  Leanplum.start('ann', {})
})`

test.skipIf(!hasChromium)(
  'the official web SDK in Chromium: the inbox shows, reads and deletes a message',
  async () => {
    await world.call('start', { userId: 'ann', deviceId: 'phone' })
    await deliver('7##0', 'Half price')
    await deliver('8##1', 'Free shipping')
    const tab = await browser.open(shop)
    await tab.shows('Shop')
    expect(await tab.evaluate(visit("inbox.read('7##0'); inbox.remove('8##1')"))).toEqual([
      ['7##0', 'Half price', 'Today only', true],
    ])
    await tab.close()
    expect(await kept()).toEqual([['7##0', true]])
    const events = (await world.entries('app_test', 'ann')).filter(({ kind }) => kind === 'event')
    expect(events).toMatchObject([{ name: '.m7 Open' }])

    const later = await browser.open(shop)
    await later.shows('Shop')
    expect(await later.evaluate(visit("inbox.remove('7##0')"))).toEqual([])
    await later.close()
    expect(await kept()).toEqual([])
  },
  60_000,
)
