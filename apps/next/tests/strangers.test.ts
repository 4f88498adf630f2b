import { connect, createServer as createTcpServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEngine, type TestEngine } from './engine.ts'
import { startApp, type RunningApp } from './running-app.ts'
import { createVisitor } from './visitor.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))

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

test('1,000 interleaved requests of 100 visitors never mix', async () => {
  const visitors = Array.from({ length: 100 }, () => createVisitor(app.url))
  await Promise.all(visitors.map((visitor) => visitor.open('/')))
  const devices = await Promise.all(visitors.map((visitor) => visitor.device()))
  expect(new Set(devices).size).toBe(100)
  for (let turn = 0; turn < 5; turn += 1) {
    // Who is asked for, and who opens a page at the same time.
    const told = visitors.map((visitor) => visitor.device())
    const opened = visitors.map(async (visitor) => (await visitor.open('/cart')).status)
    expect(await Promise.all(told)).toEqual(devices)
    expect(await Promise.all(opened)).toEqual(devices.map(() => 200))
  }
  const countsOf = async (device: string) => {
    const counts: Record<string, number> = {}
    for (const [name, params] of await engine.events(device)) {
      const key = `${name} ${JSON.stringify(params)}`
      counts[key] = (counts[key] ?? 0) + 1
    }
    return counts
  }
  const expected = { 'Page viewed {"path":"/"}': 1, 'Page viewed {"path":"/cart"}': 5, 'Cart viewed {"items":0}': 5 }
  for (const device of devices) await expect.poll(() => countsOf(device), { timeout: 60_000 }).toEqual(expected)
})

test('a cookie that was tampered with is a new visitor, and no error', async () => {
  const visitor = createVisitor(app.url)
  await visitor.open('/')
  const device = await visitor.device()
  const [[name = '', value = ''] = []] = visitor.cookies
  const [version = '', payload = '', signature = ''] = value.split('.')
  const eve = Buffer.from('["eve",1]').toString('base64url')
  const forged = [
    `${version}.${eve}.${signature}`,
    `${version}.${payload}.`,
    `2.${payload}.${signature}`,
    `${value}x`,
    payload,
    '%00',
  ]
  for (const each of forged) {
    const other = createVisitor(app.url)
    other.cookies.set(name, each)
    const response = await other.open('/')
    expect([each, response.status, response.headers.getSetCookie().length]).toEqual([each, 200, 1])
    expect(await other.device()).not.toBe(device)
  }
  expect(await engine.users()).not.toContain('eve')
})

describe('the beacon', () => {
  const message = { type: 'heartbeat' }

  test('believes pages of this site only: Sec-Fetch-Site × Origin', async () => {
    const visitor = createVisitor(app.url)
    await visitor.open('/')
    for (const site of ['same-origin', 'same-site', 'cross-site', 'none', undefined]) {
      for (const origin of [app.url, 'https://evil.test', 'null', undefined]) {
        const headers = { ...(site && { 'sec-fetch-site': site }), ...(origin && { origin }) }
        const isOwn = site === undefined ? origin === app.url : site === 'same-origin'
        const { status } = await visitor.beacon(message, headers)
        expect([site, origin, status]).toEqual([site, origin, isOwn ? 204 : 403])
      }
    }
  })

  test('does not take the word of a header for the host: X-Forwarded-Host', async () => {
    const visitor = createVisitor(app.url)
    await visitor.open('/')
    const forged = { origin: 'https://evil.test', 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https' }
    expect((await visitor.beacon(message, forged)).status).toBe(403)
  })
})

test('X-Forwarded-For makes nobody another visitor', async () => {
  const visitor = createVisitor(app.url)
  await visitor.open('/')
  const device = await visitor.device()
  for (const address of ['1.1.1.1', '2.2.2.2']) {
    const response = await visitor.open('/sign-in', { 'x-forwarded-for': address })
    expect(response.headers.getSetCookie()).toEqual([])
  }
  expect(await visitor.device()).toBe(device)
})

describe('with a server that is down', () => {
  let relay: Server
  let away: RunningApp
  let port: number
  beforeAll(async () => {
    // Reserved, and closed again: connections are refused until the relay listens there.
    relay = createTcpServer((socket) => {
      const onward = connect(Number(new URL(engine.env['DAMSON_ENDPOINT'] ?? '').port), '127.0.0.1')
      socket.pipe(onward).pipe(socket)
      for (const each of [socket, onward]) each.on('error', () => each.destroy())
    })
    port = await listen(relay, 0)
    await new Promise((resolve) => relay.close(resolve))
    away = await startApp(folder, { ...engine.env, DAMSON_ENDPOINT: `http://127.0.0.1:${port}/api` })
  })
  afterAll(async () => {
    await away?.stop()
    relay?.close()
  })

  test('every page answers as ever, and everything arrives when it is back', async () => {
    const visitor = createVisitor(away.url)
    for (const path of ['/', '/items/jam', '/cart', '/sign-in']) expect((await visitor.open(path)).status).toBe(200)
    expect((await visitor.submit('/items/gin')).status).toBe(303)
    expect((await visitor.beacon({ type: 'pause' })).status).toBe(204)
    const device = await visitor.device()
    expect(await engine.events(device)).toEqual([])
    await listen(relay, port)
    await expect.poll(() => engine.sessions(device), { timeout: 100_000 }).toEqual(['sessionStarted', 'sessionPaused'])
    expect((await engine.events(device)).map(([name]) => name).toSorted()).toEqual([
      'Added to cart',
      'Cart viewed',
      'Page viewed',
      'Page viewed',
      'Page viewed',
      'Page viewed',
    ])
    expect(away.said.join('\n')).not.toMatch(/unhandled/i)
  })
})

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}
