import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hasChromium, startChromium } from '@damson/tests-browser'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startEngine, type TestEngine } from '../../apps/next/tests/engine.ts'
import { startApp, staticPages, type RunningApp } from '../../apps/next/tests/running-app.ts'
import { createVisitor } from '../../apps/next/tests/visitor.ts'

const viewed = (path: string) => ['Page viewed', { path }]
const patience = { timeout: 60_000 }

/** What must hold with every major of Next: a real build, started, with both routers in it. */
export function nextMatrix(major: number, folder: string): void {
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

  /** Proxy, pages and edge may each have a client: in which order their events arrive is nobody's to say. */
  async function expectEvents(device: string, expected: readonly unknown[]): Promise<void> {
    const told = async () => (await engine.events(device)).map((event) => JSON.stringify(event)).toSorted()
    await expect.poll(told, patience).toEqual(expected.map((event) => JSON.stringify(event)).toSorted())
  }

  describe(`Next ${major}`, () => {
    test('pages under the layout and under the _app with the beacon are static', () => {
      expect(staticPages(folder)).toEqual(expect.arrayContaining(['/', '/about']))
      expect(staticPages(folder)).not.toContain('/other')
      for (const page of ['catalogue', 'about', 'things/[id]']) {
        expect(existsSync(join(folder, '.next/server/pages', `${page}.html`)), page).toBe(true)
      }
    })

    test('beside a proxy of your own: counted once, and every header where it belongs', async () => {
      const visitor = createVisitor(app.url)
      const first = await visitor.open('/')
      expect(first.headers.get('x-frame-options')).toBe('DENY')
      await visitor.prefetch('/other')
      await visitor.move('/other')
      await visitor.beacon({ type: 'page', path: '/other' })
      const page = await visitor.open('/other', { 'x-middleware-subrequest': 'middleware:middleware:middleware' })
      expect(await page.text()).toContain('orchard')
      await visitor.submit('/other', { for: 'somebody' })
      expect((await visitor.submit('/other', { for: 'nobody' })).status).toBe(404)
      await expectEvents(await visitor.device(), [
        viewed('/'),
        ['Other viewed', { tenant: 'orchard' }],
        viewed('/other'),
        viewed('/other'),
        ['Other viewed', { tenant: 'orchard' }],
        ['Voted', {}],
        // A form sent without scripts is answered with its page, which is rendered once more.
        ['Other viewed', { tenant: 'orchard' }],
      ])
    })

    test('a pause of the beacon reaches the session', async () => {
      const visitor = createVisitor(app.url)
      await visitor.open('/')
      const device = await visitor.device()
      await expect.poll(() => engine.sessions(device), patience).toContain('sessionStarted')
      expect((await visitor.beacon({ type: 'pause' })).status).toBe(204)
      await expect.poll(() => engine.sessions(device), patience).toContain('sessionPaused')
    })

    test('a route on the edge tracks for the same visitor', async () => {
      const visitor = createVisitor(app.url)
      await visitor.open('/')
      const device = await visitor.device()
      expect(await (await visitor.open('/edge', { 'sec-fetch-dest': 'empty' })).json()).toEqual({
        device,
        runtime: 'edge',
      })
      await expectEvents(device, [viewed('/'), ['Edge asked', {}]])
    })

    test('a page that fails is told by its route and its digest, of either router', async () => {
      const visitor = createVisitor(app.url)
      for (const path of ['/broken', '/failing']) expect((await visitor.open(path)).status).toBe(500)
      const device = await visitor.device()
      const failures = async () => (await engine.events(device)).filter(([name]) => name === 'Request failed')
      await expect.poll(async () => (await failures()).length, patience).toBe(2)
      const told = new Map((await failures()).map(([, params]) => [params?.['route'], params]))
      expect(told.get('/broken')).toEqual({ route: '/broken', kind: 'render', digest: expect.any(String) })
      expect(told.get('/failing')).toMatchObject({ route: '/failing', kind: 'render' })
      expect(JSON.stringify([...told])).not.toContain('hunter2')
    })

    test('the engine answers as a route', async () => {
      const send = async (args: object) => {
        const body = JSON.stringify({ appId: 'app_inside', clientKey: 'prod_inside', userId: 'ada', ...args })
        return (await fetch(`${app.url}/api`, { method: 'POST', body })).json()
      }
      expect(await send({ action: 'start' })).toMatchObject({ response: [{ success: true }] })
      expect(await send({ action: 'track', event: 'Purchase' })).toMatchObject({ response: [{ success: true }] })
      expect((await fetch(`${app.url}/api`, { method: 'OPTIONS' })).headers.get('access-control-allow-origin')).toBe(
        '*',
      )
    })

    test('of the Pages Router, getServerSideProps and API routes track for whom the proxy saw', async () => {
      const visitor = createVisitor(app.url)
      expect(await (await visitor.open('/orders')).text()).toContain('orders')
      const device = await visitor.device()
      expect(await (await visitor.open('/api/like', { 'sec-fetch-dest': 'empty' })).json()).toEqual({ device })
      await visitor.open('/orders', { purpose: 'prefetch' })
      await expectEvents(device, [viewed('/orders'), ['Orders viewed', { open: 3 }], ['Liked', {}]])
      expect(await engine.sessions(device)).toEqual(['sessionStarted'])
    })
  })

  describe.skipIf(!hasChromium)(`Next ${major} in Chromium, with <Link> fetching ahead`, () => {
    async function open(path: string) {
      const browser = startChromium()
      onTestFinished(() => browser.close())
      const page = await browser.open(app.url + path)
      const device = async () => {
        const told = await page.evaluate(`fetch('/session').then((answer) => answer.json())`)
        return (told as { device: string }).device
      }
      return { page, device }
    }
    const fetched = (part: string) =>
      `performance.getEntriesByType('resource').some(({ name }) => name.includes(${JSON.stringify(part)}))`

    test('the App Router: each page is counted once', async () => {
      const { page, device } = await open('/')
      await page.until(fetched('_rsc='))
      await page.click('a')
      await page.shows('Vote in the orchard')
      await expectEvents(await device(), [viewed('/'), viewed('/other'), ['Other viewed', { tenant: 'orchard' }]])
    })

    test('the Pages Router: each page is counted once, rendered on the server or not', async () => {
      const { page, device } = await open('/catalogue')
      // A static page's data is fetched ahead.
      await page.until(fetched('about.json'))
      await page.click('a[href="/orders"]')
      await page.shows('3 orders')
      await page.click('a[href="/about"]')
      await page.shows('Since 1786')
      await page.back()
      await page.shows('3 orders')
      await expectEvents(await device(), [
        viewed('/catalogue'),
        viewed('/orders'),
        ['Orders viewed', { open: 3 }],
        viewed('/about'),
        viewed('/orders'),
        ['Orders viewed', { open: 3 }],
      ])
    })

    test('the Pages Router: a page whose path the browser has yet to read is counted once', async () => {
      const { page, device } = await open('/things/7')
      await page.shows('Thing 7')
      const known = await device()
      await page.until(fetched('/damson/beacon'))
      await page.go(`${app.url}/catalogue`)
      await page.shows('Catalogue')
      await expectEvents(known, [viewed('/things/7'), viewed('/catalogue')])
    })
  })
}
