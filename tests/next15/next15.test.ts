import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEngine, type TestEngine } from '../../apps/next/tests/engine.ts'
import { startApp, staticPages, type RunningApp } from '../../apps/next/tests/running-app.ts'
import { createVisitor } from '../../apps/next/tests/visitor.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))

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

test('a page under the layout with the beacon is static', () => {
  expect(staticPages(folder)).toContain('/')
})

test('on the edge, beside a middleware of your own: counted once, and every header where it belongs', async () => {
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
  const device = await visitor.device()
  // The edge has a client of its own, so two clients send: in which order they arrive is nobody's to say.
  const expected = [
    ['Page viewed', { path: '/' }],
    ['Other viewed', { tenant: 'orchard' }],
    ['Page viewed', { path: '/other' }],
    ['Page viewed', { path: '/other' }],
    ['Other viewed', { tenant: 'orchard' }],
    ['Voted', {}],
    // A form sent without scripts is answered with its page, which is rendered once more.
    ['Other viewed', { tenant: 'orchard' }],
  ].map((event) => JSON.stringify(event))
  const told = async () => (await engine.events(device)).map((event) => JSON.stringify(event)).toSorted()
  await expect.poll(told, { timeout: 60_000 }).toEqual(expected.toSorted())
})

test('a pause of the beacon reaches the session', async () => {
  const visitor = createVisitor(app.url)
  await visitor.open('/')
  const device = await visitor.device()
  await expect.poll(() => engine.sessions(device), { timeout: 60_000 }).toContain('sessionStarted')
  expect((await visitor.beacon({ type: 'pause' })).status).toBe(204)
  await expect.poll(() => engine.sessions(device), { timeout: 60_000 }).toContain('sessionPaused')
})
