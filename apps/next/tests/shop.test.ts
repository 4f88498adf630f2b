import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEngine, type TestEngine } from './engine.ts'
import { startApp, staticPages, type RunningApp } from './running-app.ts'
import { createVisitor } from './visitor.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))
const viewed = (path: string) => ['Page viewed', { path }] as const

let engine: TestEngine
let app: RunningApp
let hanging: RunningApp
let embedded: RunningApp
/** Takes every request and answers none. */
let silence: Server

beforeAll(async () => {
  engine = await startEngine()
  app = await startApp(folder, engine.env)
  silence = createServer(() => undefined)
  await new Promise<void>((resolve) => silence.listen(0, '127.0.0.1', resolve))
  const { port } = silence.address() as AddressInfo
  hanging = await startApp(folder, { ...engine.env, DAMSON_ENDPOINT: `http://127.0.0.1:${port}/api` })
  embedded = await startApp(folder, { DAMSON_ENDPOINT: '', SHOP_EXPORT_KEY: 'export_shop' })
})

afterAll(async () => {
  silence?.closeAllConnections()
  silence?.close()
  await Promise.all([app, hanging, embedded].map((running) => running?.stop()))
  await engine?.stop()
})

/** Actions of one visitor arrive in order: once the last is there, so are all the others. */
async function eventsOf(userId: string, last: string) {
  await expect.poll(async () => (await engine.events(userId)).at(-1)?.[0], { timeout: 60_000 }).toBe(last)
  return engine.events(userId)
}

test('the catalogue and its items are static: the layout reads no cookie', () => {
  expect(staticPages(folder)).toEqual(expect.arrayContaining(['/', '/items/jam', '/items/gin', '/thanks']))
  expect(staticPages(folder)).not.toContain('/cart')
})

test('a page is counted once, however often the router fetches it ahead', async () => {
  const visitor = createVisitor(app.url)
  await visitor.open('/')
  for (const path of ['/items/jam', '/items/gin', '/cart', '/cart', '/sign-in']) await visitor.prefetch(path)
  await visitor.open('/items/jam', { 'sec-purpose': 'prefetch;prerender' })
  // The router moves: a static page costs no request, so the page says it; a dynamic one is rendered for this visitor.
  await visitor.beacon({ type: 'page', path: '/items/jam' })
  await visitor.move('/cart')
  await visitor.beacon({ type: 'page', path: '/cart' })
  await visitor.open('/sign-in')
  const device = await visitor.device()
  await expect.poll(async () => (await engine.events(device)).length, { timeout: 60_000 }).toBe(5)
  expect(await engine.events(device)).toEqual([
    viewed('/'),
    viewed('/items/jam'),
    ['Cart viewed', { items: 0 }],
    viewed('/cart'),
    viewed('/sign-in'),
  ])
  expect(await engine.sessions(device)).toEqual(['sessionStarted'])
})

test('a Server Action is tracked when it ends with a redirect, and a purchase carries its value', async () => {
  const visitor = createVisitor(app.url)
  await visitor.open('/items/gin')
  const added = await visitor.submit('/items/gin')
  expect([added.status, added.headers.get('location')]).toEqual([303, '/cart'])
  const bought = await visitor.submit('/cart')
  expect([bought.status, bought.headers.get('location')]).toEqual([303, '/thanks'])
  expect(await eventsOf(await visitor.device(), 'Purchase')).toEqual([
    viewed('/items/gin'),
    ['Added to cart', { item: 'gin' }],
    ['Purchase', { items: 1, localPrice: 32, localCurrency: 'EUR' }, 32],
  ])
})

test('whoever signs in is tracked by name, on the device they came with, and takes along what they did before', async () => {
  const visitor = createVisitor(app.url)
  await visitor.open('/')
  const device = await visitor.device()
  await visitor.submit('/sign-in', { name: 'Ada' })
  await visitor.open('/items/jam')
  await expect.poll(() => engine.events('Ada'), { timeout: 60_000 }).toEqual([viewed('/'), viewed('/items/jam')])
  expect(await engine.sessions('Ada')).toEqual(['sessionStarted'])
  expect(await visitor.device()).toBe(device)
})

test('whoever signs out ends the session, and who comes next on that browser is a stranger', async () => {
  const visitor = createVisitor(app.url)
  await visitor.open('/')
  const device = await visitor.device()
  await visitor.submit('/sign-in', { name: 'Grace' })
  await visitor.open('/items/jam')
  await visitor.submit('/sign-in')
  await expect.poll(() => engine.sessions('Grace'), { timeout: 60_000 }).toEqual(['sessionStarted', 'sessionEnded'])
  await visitor.open('/items/gin')
  const stranger = await visitor.device()
  expect(stranger).not.toBe(device)
  await expect.poll(() => engine.events(stranger), { timeout: 60_000 }).toEqual([viewed('/items/gin')])
  expect(await engine.events('Grace')).toEqual([viewed('/'), viewed('/items/jam')])
})

test('a first visit gets one cookie, and no cache may hand it on', async () => {
  const visitor = createVisitor(app.url)
  const first = await visitor.open('/')
  expect(first.headers.getSetCookie()).toEqual([
    expect.stringMatching(/^__Host-damson=.*HttpOnly; Secure; SameSite=Lax$/),
  ])
  expect(first.headers.get('cache-control')).toContain('private')
  const second = await visitor.open('/')
  expect(second.headers.getSetCookie()).toEqual([])
  expect(second.headers.get('cache-control')).toContain('s-maxage')
})

describe('the beacon', () => {
  test('pauses and resumes the session of the cookie', async () => {
    const visitor = createVisitor(app.url)
    await visitor.open('/')
    const device = await visitor.device()
    expect((await visitor.beacon({ type: 'pause' })).status).toBe(204)
    expect((await visitor.beacon({ type: 'resume' })).status).toBe(204)
    await visitor.beacon({ type: 'stop' })
    await expect
      .poll(() => engine.sessions(device), { timeout: 60_000 })
      .toEqual(['sessionStarted', 'sessionPaused', 'sessionResumed', 'sessionEnded'])
  })

  test('answers nobody else: other sites, other methods, other messages, long ones', async () => {
    const visitor = createVisitor(app.url)
    await visitor.open('/')
    expect((await visitor.beacon({ type: 'stop' }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    const page = { type: 'page', path: '/' }
    expect((await visitor.beacon(page, { origin: 'https://evil.test' })).status).toBe(403)
    expect((await fetch(`${app.url}/damson/beacon`)).status).toBe(405)
    expect((await visitor.beacon({ type: 'track', event: 'Purchase' })).status).toBe(400)
    expect((await visitor.beacon('x'.repeat(3_000))).status).toBe(413)
  })
})

test.each([
  ['x-middleware-subrequest', 'src/proxy:src/proxy:src/proxy:src/proxy:src/proxy'],
  ['x-damson-visitor', 'cookie'],
  ['x-damson-visitor', '__Host-damson=1.WyJzb21lb25lIiwxXQ.AAAA'],
])('the header %s: %s changes nothing', async (name, value) => {
  const visitor = createVisitor(app.url)
  await visitor.open('/')
  const device = await visitor.device()
  await eventsOf(device, 'Page viewed')
  const before = await engine.users()
  await visitor.open('/cart', { [name]: value })
  await visitor.open('/sign-in', { [name]: value })
  await visitor.prefetch('/cart')
  await expect.poll(async () => (await engine.events(device)).length, { timeout: 60_000 }).toBe(4)
  expect(await engine.events(device)).toEqual([
    viewed('/'),
    viewed('/cart'),
    ['Cart viewed', { items: 0 }],
    viewed('/sign-in'),
  ])
  expect((await engine.users()).filter((user) => !before.includes(user))).toEqual([])
})

test('with a server that takes requests and never answers, every page answers as ever', async () => {
  const visitor = createVisitor(hanging.url)
  for (const path of ['/', '/items/jam', '/cart', '/session']) expect((await visitor.open(path)).status).toBe(200)
  expect((await visitor.submit('/items/gin')).status).toBe(303)
  expect((await visitor.beacon({ type: 'pause' })).status).toBe(204)
  expect(hanging.said.join('\n')).not.toMatch(/unhandled/i)
})

test('the embedded engine and every part of the app share one client', async () => {
  const visitor = createVisitor(embedded.url)
  await visitor.open('/')
  await visitor.submit('/items/gin')
  const device = await visitor.device()
  const ask = async () => {
    const query = new URLSearchParams({
      appId: 'app_shop',
      clientKey: 'export_shop',
      action: 'exportUser',
      userId: device,
    })
    const { response } = (await (await fetch(`${embedded.url}/api?${query}`)).json()) as {
      response: { events?: Record<string, { count: number }> }[]
    }
    return response[0]?.events
  }
  await expect
    .poll(ask, { timeout: 60_000 })
    .toMatchObject({ 'Page viewed': { count: 1 }, 'Added to cart': { count: 1 } })
  const { session } = (await (await visitor.open('/session')).json()) as { session: { phase: string } }
  expect(session.phase).toBe('active')
})
