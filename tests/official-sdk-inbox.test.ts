import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { listen } from '@damson/server/node'
import { createTestServer, type TestServer } from '@damson/server/testing'
import { type Chromium, hasChromium, startChromium } from '@damson/tests-browser'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The vendor's own web SDK, as it is published, in a real browser.
const sdkSource = readFileSync(createRequire(import.meta.url).resolve('leanplum-sdk/dist/leanplum.min.js'), 'utf8')

let world: TestServer
let browser: Chromium
let api: string
let shop: string
const closers: (() => unknown)[] = []

beforeAll(async () => {
  if (!hasChromium) return
  world = await createTestServer({ now: Date.now() })
  const listening = await listen({ server: world.server, host: '127.0.0.1', port: 0 })
  api = listening.url
  const pages = createServer((request, response) => {
    const isScript = request.url === '/sdk.js'
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
    response.end(
      isScript ? sdkSource : '<!doctype html><title>shop</title><script src="/sdk.js"></script><h1>Shop</h1>',
    )
  })
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  shop = `http://127.0.0.1:${(pages.address() as AddressInfo).port}/`
  browser = startChromium()
  closers.push(
    () => browser.close(),
    () => pages.closeAllConnections(),
    () => pages.close(),
    () => listening.stop(),
  )
}, 60_000)

afterAll(async () => {
  for (const close of closers) await close()
})

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
