import 'reflect-metadata'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fakeTimers } from '@damson/core/testing'
import { type DamsonService, getDamsonToken } from '@damson/nestjs'
import { createTestServer } from '@damson/server/testing'
import { NestFactory } from '@nestjs/core'
import { WsAdapter } from '@nestjs/platform-ws'
import { WebSocket } from 'ws'
import { AppModule } from './app.module.ts'
import { tracking } from './tracking.ts'

/** The shop with the real engine on a clock held in the hand, and one browser's cookies. */
export async function openShop() {
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
  return { url: `http://${host}`, app, server, timers, damson, browser, leave }
}
