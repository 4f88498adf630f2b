import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { listen } from '@damson/server/node'
import { createTestServer, type TestServer } from '@damson/server/testing'
import { arrived, type Chromium, hasChromium, startChromium } from '@damson/tests-browser'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The vendor's own web SDK, as it is published, in a real browser.
const sdkSource = readFileSync(createRequire(import.meta.url).resolve('leanplum-sdk/dist/leanplum.min.js'), 'utf8')

/** The app's own part: it draws what the SDK tells it to, and says which button was pressed. */
const page = `<!doctype html><title>shop</title><script src="/sdk.js"></script><h1>Shop</h1><script>
  Leanplum.on('showMessage', ({ message, context }) => {
    const box = document.createElement('dialog')
    box.innerHTML = '<p></p><button id="accept"></button>'
    box.querySelector('p').textContent = message.Title.Text
    box.querySelector('p').style.color = message.Title.Color
    box.querySelector('button').textContent = message['Accept button'].Text
    box.querySelector('button').onclick = () => { context.runTrackedActionNamed('Accept action'); box.remove() }
    document.body.append(box)
    box.show()
    context.track()
  })
</script>`

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
    response.end(isScript ? sdkSource : page)
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

test.skipIf(!hasChromium)(
  'the official web SDK in Chromium: an in-app message appears on its event, and its button is reported',
  async () => {
    const plan = await world.server.engine.applyContent('app_test', {
      messages: {
        7: {
          name: 'Thanks',
          state: 'active',
          channel: 'inApp',
          template: 'Center Popup',
          when: [{ event: 'Purchase', parameter: 'item', is: 'shoe' }],
          limits: { session: 1 },
          content: {
            Title: { Text: 'Thank you, {{ userAttribute.name }}', Color: '#ff8800' },
            'Accept button': { Text: 'Welcome' },
            'Accept action': { __name__: '' },
          },
        },
      },
    })
    expect(plan.ok).toBe(true)
    const tab = await browser.open(shop)
    await tab.shows('Shop')
    await tab.evaluate(`new Promise((resolve) => {
      Leanplum.setApiPath(${JSON.stringify(api)})
      Leanplum.setDeviceId('phone')
      Leanplum.setRequestBatching(false)
      Leanplum.setAppIdForProductionMode('app_test', 'prod_test')
      Leanplum.start('ann', { name: 'Ann' }, resolve)
    })`)
    const dialogs = () => tab.evaluate(`document.querySelectorAll('dialog').length`)
    await tab.evaluate(`Leanplum.track('Purchase', 5, '', { item: 'hat' })`)
    expect(await dialogs()).toBe(0)
    await tab.evaluate(`Leanplum.track('Purchase', 5, '', { item: 'shoe' })`)
    await tab.shows('Thank you, Ann')
    expect(await tab.evaluate(`document.querySelector('p').style.color`)).toBe('rgb(255, 136, 0)')
    await tab.click('#accept')
    expect(await dialogs()).toBe(0)
    await tab.evaluate(`Leanplum.track('Purchase', 5, '', { item: 'shoe' })`)
    expect(await dialogs()).toBe(0)
    await arrived(world, 5)
    const events = (await world.entries('app_test', 'ann')).flatMap((one) => (one.kind === 'event' ? [one.name] : []))
    expect(events.toSorted()).toEqual(['.m7', '.m7 Accept', 'Purchase', 'Purchase', 'Purchase'])
    await tab.close()
  },
  60_000,
)
