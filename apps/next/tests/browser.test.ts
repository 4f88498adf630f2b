import { fileURLToPath } from 'node:url'
import { hasChromium, startChromium, type Tab } from '@damson/tests-browser'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startEngine, type TestEngine } from './engine.ts'
import { startApp, type RunningApp } from './running-app.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))

describe.skipIf(!hasChromium)('in Chromium', () => {
  let engine: TestEngine
  let app: RunningApp

  beforeAll(async () => {
    engine = await startEngine()
    app = await startApp(folder, engine.env)
  })

  afterAll(async () => {
    await app?.stop()
    await engine?.stop()
  })

  /** A browser of its own, so that nobody is known from another test. The page is alive by then, and links are fetched ahead. */
  async function newcomer(): Promise<Tab> {
    const browser = startChromium()
    onTestFinished(() => browser.close())
    const page = await browser.open(app.url)
    await page.until(`performance.getEntriesByType('resource').some(({ name }) => name.includes('_rsc='))`)
    return page
  }

  test('a visit with a purchase is told exactly, with every link fetched ahead', async () => {
    const page = await newcomer()
    await page.click('a[href="/items/gin"]')
    await page.shows('Add to cart')
    await page.click('main button')
    await page.shows('Your cart')
    await page.click('main button')
    await page.shows('It is yours')
    const { device } = (await page.evaluate(`fetch('/session').then((answer) => answer.json())`)) as { device: string }
    const told = async () => (await engine.events(device)).map((event) => JSON.stringify(event)).toSorted()
    const expected = [
      ['Page viewed', { path: '/' }],
      ['Page viewed', { path: '/items/gin' }],
      ['Added to cart', { item: 'gin' }],
      ['Page viewed', { path: '/cart' }],
      ['Cart viewed', { items: 1 }],
      ['Purchase', { items: 1, localPrice: 32, localCurrency: 'EUR' }, 32],
      ['Page viewed', { path: '/thanks' }],
    ].map((event) => JSON.stringify(event))
    await expect.poll(told, { timeout: 60_000 }).toEqual(expected.toSorted())
    expect(await engine.sessions(device)).toEqual(['sessionStarted'])
  })

  test('the panel shows the session, and a sign-in by name', async () => {
    const page = await newcomer()
    await page.until(`document.querySelector('[data-testid=phase]').textContent === 'active'`)
    await page.click('a[href="/sign-in"]')
    await page.shows('Who are you?')
    await page.evaluate(`document.querySelector('[name=name]').value = 'Grace'`)
    await page.click('main button')
    const panel = `document.querySelector('aside').textContent`
    await expect.poll(() => page.evaluate(panel), { timeout: 60_000 }).toContain('Grace')
  })
})
