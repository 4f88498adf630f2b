import { isSettled, navigation, shopVisits } from '@damson/tests-browser'
import { openShop } from './test-shop.ts'

shopVisits('Express', async () => {
  const { analytics, clock, engine, url } = await openShop()
  return {
    url,
    engine,
    advance: async (durationMs) => clock.advance(durationMs),
    flush: async () => void (await analytics.client.flush()),
    isSettled,
    async signInAndBuy(tab) {
      await tab.evaluate(`document.querySelector('[name=name]').value = 'ada'`)
      await tab.click('header button')
      await navigation(tab, 'Hello', engine, 1)
      await tab.click('button[value=gin]')
      await navigation(tab, 'Buy', engine, 2)
      await tab.click('form[action="/buy"] button')
      await navigation(tab, 'Thank you', engine, 3)
    },
    events: ['Added to cart', 'Page viewed', 'Page viewed', 'Page viewed', 'Page viewed', 'Purchase'],
    price: 34,
  }
})
