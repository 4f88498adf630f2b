import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEngine, type TestEngine } from './engine.ts'
import { startApp, type RunningApp } from './running-app.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))
const CHROMIUM = process.env['DAMSON_CHROMIUM'] ?? '/usr/bin/chromium'
const hasBrowser = existsSync(CHROMIUM)
if (!hasBrowser)
  console.log(`skipped: there is no browser at ${CHROMIUM} (apt-get install chromium, or DAMSON_CHROMIUM)`)

let engine: TestEngine
let app: RunningApp
let browser: Browser

/** A browser of its own, so that nobody is known from another test. `ahead` is told what the router fetches ahead. */
async function newcomer(ahead: string[] = []): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  page.on('request', (request) => {
    if (request.headers()['next-router-prefetch'] !== undefined) ahead.push(request.url())
  })
  await page.goto(app.url)
  // By now the router has fetched ahead what the page links to.
  await page.waitForLoadState('networkidle')
  return page
}

async function deviceOf(page: Page): Promise<string> {
  const told: unknown = await page.evaluate(async () => (await fetch('/session')).json())
  return (told as { device: string }).device
}

/** What the browser itself does when the user looks at another tab. */
async function turn(page: Page, visibility: 'hidden' | 'visible'): Promise<void> {
  await page.evaluate((visibility) => {
    Object.defineProperty(document, 'visibilityState', { value: visibility, configurable: true })
    document.dispatchEvent(new Event('visibilitychange'))
  }, visibility)
}

const expectSessions = (device: string) => expect.poll(() => engine.sessions(device), { timeout: 60_000 })

describe.skipIf(!hasBrowser)('in Chromium', () => {
  beforeAll(async () => {
    engine = await startEngine()
    app = await startApp(folder, engine.env)
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  })

  afterAll(async () => {
    await browser?.close()
    await app?.stop()
    await engine?.stop()
  })

  test('a visit with a purchase is told exactly, with every link fetched ahead', async () => {
    const ahead: string[] = []
    const page = await newcomer(ahead)
    await page.getByText('Damson gin').click()
    await page.waitForURL('**/items/gin')
    await page.getByRole('button', { name: /Add to cart/ }).click()
    await page.waitForURL('**/cart')
    await page.getByRole('button', { name: /Buy/ }).click()
    await page.waitForURL('**/thanks')
    const device = await deviceOf(page)
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
    expect(ahead.length, 'nothing was fetched ahead, so nothing is proved').toBeGreaterThan(0)
  })

  test('the session pauses while nobody looks, in however many tabs, and when the last is closed', async () => {
    const page = await newcomer()
    const device = await deviceOf(page)
    await expectSessions(device).toEqual(['sessionStarted'])
    await turn(page, 'hidden')
    await expectSessions(device).toEqual(['sessionStarted', 'sessionPaused'])
    await turn(page, 'visible')
    await expectSessions(device).toEqual(['sessionStarted', 'sessionPaused', 'sessionResumed'])
    const second = await page.context().newPage()
    await second.goto(app.url)
    await second.waitForLoadState('networkidle')
    await turn(page, 'hidden')
    await second.goto('about:blank')
    await expectSessions(device).toEqual(['sessionStarted', 'sessionPaused', 'sessionResumed', 'sessionPaused'])
  })

  test('the panel shows the session, and a sign-in by name', async () => {
    const page = await newcomer()
    await expect.poll(() => page.getByTestId('phase').textContent(), { timeout: 60_000 }).toBe('active')
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByLabel('Your name').fill('Grace')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.waitForURL(app.url + '/')
    await expect.poll(() => page.locator('aside').textContent(), { timeout: 60_000 }).toContain('Grace')
  })
})
