import 'reflect-metadata'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { MINUTE_MS } from '@damson/core'
import { fakeTimers } from '@damson/core/testing'
import { type DamsonService, getDamsonToken } from '@damson/nestjs'
import { createTestServer } from '@damson/server/testing'
import { NestFactory } from '@nestjs/core'
import { WsAdapter } from '@nestjs/platform-ws'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { AppModule } from './app.module.ts'
import { tracking } from './tracking.ts'

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
})

/** The shop with the real engine on a clock held in the hand, and one browser's cookies. */
async function openShop() {
  const server = await createTestServer()
  const timers = fakeTimers(server.clock)
  const app = await NestFactory.create(
    AppModule.with(
      tracking({
        appId: 'app_test',
        clientKey: 'prod_test',
        fetch: server.fetch,
        clock: server.clock,
        timers,
        secrets: ['a secret of thirty-two characters'],
        cookie: { secure: false },
      }),
    ),
    { logger: false },
  )
  app.useWebSocketAdapter(new WsAdapter(app))
  await app.listen(0, '127.0.0.1')
  const host = `127.0.0.1:${(app.getHttpServer() as { address(): AddressInfo }).address().port}`
  const damson = app.get<DamsonService>(getDamsonToken())
  const cookies = new Map<string, string>()
  const cookie = () => [...cookies.values()].join('; ')

  async function ask(path: string, init: RequestInit = {}) {
    const response = await fetch(`http://${host}${path}`, { ...init, headers: { ...init.headers, cookie: cookie() } })
    for (const set of response.headers.getSetCookie()) {
      const [pair = ''] = set.split(';', 1)
      cookies.set(pair.split('=', 1)[0] ?? '', pair)
    }
    return response
  }
  const json = { 'content-type': 'application/json' }
  const browser = {
    get: (path: string) => ask(path),
    post: (path: string, body: object = {}) => ask(path, { method: 'POST', headers: json, body: JSON.stringify(body) }),
    async connect() {
      const socket = new WebSocket(`ws://${host}/live`, { headers: { cookie: cookie(), origin: `http://${host}` } })
      await once(socket, 'open')
      // Answered after the connection has become a session.
      socket.send(JSON.stringify({ event: 'like' }))
      await once(socket, 'message')
      return socket
    },
  }
  /** Closes, and waits until the session knows. */
  async function leave(socket: WebSocket) {
    const { accepted } = damson.client.stats()
    socket.close()
    while (damson.client.stats().accepted === accepted) await new Promise((resolve) => setImmediate(resolve))
    await damson.flush()
  }
  return { app, server, timers, damson, browser, leave }
}
