import { arrived, hasChromium } from '@damson/tests-browser'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSdkShop, type SdkShop } from './sdk-shop.ts'

/** The app's own part: it draws what the SDK tells it to, and says which button was pressed. */
const SCRIPT = `
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
`

let opened: SdkShop | null = null
let world: SdkShop['world']
let browser: SdkShop['browser']
let api: string
let shop: string

beforeAll(async () => {
  if (!hasChromium) return
  opened = await openSdkShop(SCRIPT)
  ;({ world, browser, api, shop } = opened)
}, 60_000)

afterAll(() => opened?.close())

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
