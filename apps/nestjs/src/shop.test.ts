import 'reflect-metadata'
import { MINUTE_MS } from '@damson/core'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openShop } from './test-shop.ts'

let shop: Awaited<ReturnType<typeof openShop>>
beforeEach(async () => {
  shop = await openShop()
})
afterEach(() => shop.app.close())

test('a visit: look, sign in, buy, stay two minutes, leave, come back in time and once more too late', async () => {
  const { browser, server, timers } = shop
  expect(await (await browser.get('/')).text()).toContain('Damson shop')
  await browser.post('/sign-in', { name: 'ann' })
  const first = await browser.connect()
  expect((await browser.post('/goods/jam/buy')).status).toBe(201)
  expect((await browser.post('/goods/nothing/buy')).status).toBe(404)
  expect(await (await browser.get('/session')).json()).toMatchObject({ user: 'ann', phase: 'active' })
  await timers.advance(2 * MINUTE_MS)
  await shop.leave(first)
  await timers.advance(29 * MINUTE_MS)
  const second = await browser.connect()
  await timers.advance(MINUTE_MS)
  await shop.leave(second)
  await timers.advance(31 * MINUTE_MS)
  const third = await browser.connect()
  await timers.advance(MINUTE_MS)
  await shop.leave(third)
  await timers.advance(31 * MINUTE_MS)
  await server.sweep()

  const entries = await server.entries('app_test', 'ann')
  const ended = entries.flatMap((entry) => (entry.kind === 'sessionEnded' ? [entry.durationMs / MINUTE_MS] : []))
  expect(ended).toEqual([3, 1])
  const bought = entries.flatMap((entry) => (entry.kind === 'event' && entry.name === 'Purchase' ? [entry] : []))
  expect(bought).toMatchObject([{ value: 4.5, params: { item: 'jam', localCurrency: 'EUR' } }])
})

test('signing out ends the session at once', async () => {
  const { browser, server, damson } = shop
  await browser.post('/sign-in', { name: 'ann' })
  await browser.post('/goods/gin/buy')
  await browser.post('/sign-out')
  expect(await (await browser.get('/session')).json()).toMatchObject({ user: null })
  await damson.flush()
  const kinds = (await server.entries('app_test', 'ann')).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind.startsWith('session'))).toEqual(['sessionStarted', 'sessionEnded'])
  await browser.post('/goods/gin/buy')
  await damson.flush()
  expect(await server.entries('app_test', 'ann')).toHaveLength(kinds.length)
})
