import { shopVisits } from '@damson/tests-browser'
import { onTestFinished } from 'vitest'
import { openShop } from './test-shop.ts'

shopVisits('Nest', async () => {
  const { app, server, timers, damson, url } = await openShop()
  onTestFinished(() => app.close())
  return {
    url,
    engine: server,
    advance: (durationMs) => timers.advance(durationMs),
    flush: async () => void (await damson.flush()),
    // Here a page tells by its connection, and the server knows how many there are.
    isSettled: () => `document.body?.dataset.connected !== undefined`,
    async signInAndBuy(tab) {
      await tab.evaluate(`document.querySelector('[name=name]').value = 'ada'`)
      await tab.click('#sign-in button')
      await tab.until(`document.body?.dataset.connected === 'ada'`)
      await tab.click('button[value=gin]')
      await tab.shows('Damson gin is yours')
    },
    events: ['Purchase', 'Shop opened'],
    price: 24.9,
  }
})
