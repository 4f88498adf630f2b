import { fileURLToPath } from 'node:url'
import { arrived, isSettled, shopVisits } from '@damson/tests-browser'
import { listen } from '@damson/server/node'
import { createTestServer } from '@damson/server/testing'
import { onTestFinished } from 'vitest'
import { envOf } from './engine.ts'
import { startApp } from './running-app.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))
const EVENTS = ['Added to cart', 'Cart viewed', ...Array.from({ length: 6 }, () => 'Page viewed'), 'Purchase']

shopVisits('Next', async () => {
  const engine = await createTestServer()
  const { clock } = engine
  const listening = await listen({ server: engine.server, host: '127.0.0.1', port: 0 })
  const app = await startApp(folder, envOf(listening.url), { clockAt: clock.now() })
  onTestFinished(async () => {
    await app.stop()
    await listening.stop()
  })
  return {
    url: app.url,
    engine,
    async advance(durationMs) {
      clock.advance(durationMs)
      await app.setClock(clock.now())
    },
    // Next sends when a response is out.
    flush: async () => undefined,
    isSettled,
    async signInAndBuy(tab) {
      await tab.click('a[href="/sign-in"]')
      await tab.shows('Who are you?')
      await tab.evaluate(`document.querySelector('[name=name]').value = 'ada'`)
      await tab.click('main button')
      await tab.shows('From one tree')
      await tab.click('a[href="/items/gin"]')
      await tab.shows('Add to cart')
      await tab.click('main button')
      await tab.shows('Your cart')
      await tab.click('main button')
      await tab.shows('It is yours')
      await arrived(engine, EVENTS.length)
    },
    events: EVENTS,
    price: 32,
  }
})
