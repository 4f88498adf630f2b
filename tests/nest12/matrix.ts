import { once } from 'node:events'
import { expectTracked } from '@damson/core/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { FORMATS, installBuilt, loadNest } from './load.ts'
import { openShop, PLATFORMS, type Shop } from './shop.ts'

const MINUTE_MS = 60_000

/** What must hold for a major version of NestJS, on both platforms, with both formats of what was built. */
export function nestMatrix(major: number, url: string): void {
  const nest = loadNest(url)
  const built = installBuilt(url)

  describe.each(FORMATS)(`NestJS ${major}, %s`, (format) => {
    describe.each(PLATFORMS)('%s', (platform) => {
      let shop: Shop
      beforeAll(async () => {
        shop = await openShop(nest, await built(format), platform)
      })
      afterAll(() => shop.app.close())

      const ask = (path: string, user: string | null, init: RequestInit = {}) =>
        fetch(shop.origin + path, { ...init, headers: { ...init.headers, ...(user !== null && { 'x-user': user }) } })
      const actionsOf = async (userId: string) =>
        (await shop.testing.actions()).filter((action) => action['userId'] === userId).map(({ action }) => action)

      test('a handler tracks after it has answered, with a session opened first', async () => {
        const response = await ask('/items/tea', 'ann', { method: 'POST' })
        expect(await response.json()).toEqual({ price: 12.5, phase: 'active', same: 'active' })
        expect(await actionsOf('ann')).toEqual(['resumeSession', 'track'])
        expectTracked(shop.testing.server, 'Purchase', {
          userId: 'ann',
          value: 12.5,
          params: { item: 'tea' },
          times: 1,
        })
      })

      test('a method that throws tracks nothing, and one that gives an Observable tracks its last value once', async () => {
        expect((await ask('/refunds', 'ann', { method: 'POST' })).status).toBe(201)
        expect((await ask('/rising', 'ann')).status).toBe(200)
        const events = await shop.testing.events()
        expect(events.filter(({ event }) => event === 'Refund')).toEqual([])
        expectTracked(shop.testing.server, 'Risen', { userId: 'ann', value: 3, times: 1 })
      })

      test('a stranger gets a cookie once, and is the same visitor ever after', async () => {
        const first = await ask('/items/tea', null)
        const [cookie = ''] = first.headers.getSetCookie()
        expect(cookie).toMatch(/^__Host-damson=1\..*HttpOnly; Secure; SameSite=Lax$/)
        const { deviceId } = (await first.json()) as { deviceId: string }
        const second = await ask('/items/tea', null, { headers: { cookie: cookie.split(';', 1)[0] ?? '' } })
        expect(second.headers.getSetCookie()).toEqual([])
        expect(await second.json()).toEqual({ item: 'tea', deviceId, userId: null })
      })

      test('who signs out ends the session, and leaves a stranger behind', async () => {
        const cookieOf = (response: Response) => response.headers.getSetCookie().at(-1)?.split(';', 1)[0] ?? ''
        const cookie = cookieOf(await ask('/items/tea', 'una'))
        const left = cookieOf(await ask('/sign-out', 'una', { method: 'POST', headers: { cookie } }))
        expect(left).toMatch(/^__Host-damson=1\./)
        expect(await actionsOf('una')).toEqual(['resumeSession', 'track', 'stop'])
        const [before, after] = await Promise.all(
          [cookie, left].map(async (each) => (await ask('/items/tea', null, { headers: { cookie: each } })).json()),
        )
        expect(after.deviceId).not.toBe(before.deviceId)
      })

      test('a forged cookie makes a new visitor, and a prefetch none', async () => {
        const forged = await ask('/items/tea', null, { headers: { cookie: '__Host-damson=1.WyJldmUiLDFd.AAAA' } })
        expect(forged.headers.getSetCookie()).toHaveLength(1)
        const { deviceId } = (await forged.json()) as { deviceId: string }
        expect(deviceId).toMatch(/^[\da-f-]{36}$/)
        const ahead = await ask('/items/tea', null, { headers: { 'sec-purpose': 'prefetch' } })
        expect(ahead.headers.getSetCookie()).toEqual([])
        expect(await ahead.json()).toEqual({ item: 'tea', deviceId: null, userId: null })
      })

      test('the beacon of a page pauses and resumes its session, and opens none by saying goodbye', async () => {
        const beacon = (body: string, headers: Record<string, string> = { 'sec-fetch-site': 'same-origin' }) =>
          ask('/damson/beacon', 'bea', { method: 'POST', headers, body }).then(({ status }) => status)
        await ask('/items/tea', 'bea')
        expect(await beacon('{"type":"pause"}')).toBe(204)
        expect(await beacon('{"type":"resume"}')).toBe(204)
        expect(await beacon('{"type":"stop"}')).toBe(204)
        const sent = ['resumeSession', 'track', 'pauseSession', 'resumeSession', 'stop']
        expect(await actionsOf('bea')).toEqual(sent)

        expect(await beacon('{"type":"stop"}', { 'sec-fetch-site': 'cross-site' })).toBe(403)
        expect(await beacon('{"type":"track","event":"Purchase"}')).toBe(400)
        expect(await beacon(`{"type":"pause","at":"${'x'.repeat(3_000)}"}`)).toBe(413)
        expect((await actionsOf('bea')).filter((action) => action !== 'stop')).toEqual(sent.slice(0, -1))
        const script = await ask('/damson/beacon.js', 'bea')
        expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
        expect(await script.text()).toContain('/damson/beacon')
        expect(await actionsOf('bea')).toEqual(sent)
      })

      test('GraphQL: root and field resolvers know the visitor, and a query is one visit', async () => {
        const body = JSON.stringify({ query: '{ me { userId } again { userId } }' })
        const headers = { 'content-type': 'application/json' }
        const response = await ask('/graphql', 'gus', { method: 'POST', headers, body })
        expect(await response.json()).toEqual({ data: { me: { userId: 'gus' }, again: { userId: 'gus' } } })
        expect(await actionsOf('gus')).toEqual(['resumeSession', 'track'])
      })

      test('WebSocket: a connection is a session, from opening to idling, closing and coming back', async () => {
        const { clock, timers } = shop.testing
        const closed = async (socket: WebSocket, phase: string) => {
          socket.close()
          await once(socket, 'close')
          await until(async () => (await actionsOf('wim')).at(-1) === phase)
        }
        const first = await connect(shop.live, 'wim')
        await until(async () => (await actionsOf('wim')).length === 1)
        expect(await like(first)).toEqual({ event: 'liked', data: 'wim' })
        await timers.advance(6 * MINUTE_MS)
        expect(await actionsOf('wim')).toEqual(['resumeSession', 'track', 'pauseSession'])
        await like(first)
        await closed(first, 'pauseSession')

        clock.advance(29 * MINUTE_MS)
        const second = await connect(shop.live, 'wim')
        await until(async () => (await actionsOf('wim')).at(-1) === 'resumeSession')
        await closed(second, 'pauseSession')
        const inPart = 'resumeSession track pauseSession'
        expect((await actionsOf('wim')).join(' ')).toBe(`${inPart} ${inPart} resumeSession pauseSession`)
      })

      test('a microservice tracks for whom the message says, and opens no session for the message alone', async () => {
        const { ClientProxyFactory, Transport } = nest.microservices
        const client = ClientProxyFactory.create({ transport: Transport.TCP, options: shop.tcp })
        try {
          const answer = await nest.rxjs.firstValueFrom(client.send<string>('parcel.sent', { userId: 'pia' }))
          expect(answer).toBe('pia')
          expectTracked(shop.testing.server, 'Sent', { userId: 'pia', times: (await shop.testing.events()) && 1 })
        } finally {
          client.close()
        }
      })

      test('a thousand interleaved requests of a hundred users never see each other', async () => {
        const mistakes: unknown[] = []
        const one = async (index: number) => {
          const user = `user-${index % 100}`
          const told = (await (await ask(`/who/${user}`, user)).json()) as { before: string; after: string }
          if (told.before !== user || told.after !== user) mistakes.push({ user, told })
        }
        for (let from = 0; from < 1_000; from += 100)
          await Promise.all(Array.from({ length: 100 }, (_, index) => one(from + index)))
        expect(mistakes).toEqual([])
        const asked = (await shop.testing.events()).filter(({ event }) => event === 'Asked')
        expect(asked).toHaveLength(1_000)
        expect(asked.filter(({ userId, params }) => (params as { by: string }).by !== userId)).toEqual([])
      })

      test('with the server down every request is answered, health says so, and all arrives when it is back', async () => {
        const { server, timers } = shop.testing
        expect((await ask('/health', null)).status).toBe(200)
        server.failAlways('networkError')
        const answers = await Promise.all(Array.from({ length: 50 }, () => ask('/items/jam', 'dan')))
        expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
        await timers.advance(2 * MINUTE_MS)
        const health = await ask('/health', null)
        expect(health.status).toBe(503)
        expect(await health.json()).toMatchObject({ error: { damson: { status: 'down', circuit: 'open' } } })
        server.failAlways(null)
        await timers.advance(2 * MINUTE_MS)
        expectTracked(server, 'Seen', { userId: 'dan', times: 50 })
      })
    })
  })
}

async function connect(address: string, user: string): Promise<WebSocket> {
  const socket = new WebSocket(address, { headers: { 'x-user': user } })
  await once(socket, 'open')
  return socket
}

async function like(socket: WebSocket): Promise<unknown> {
  const answered = once(socket, 'message')
  socket.send(JSON.stringify({ event: 'like' }))
  const [data] = (await answered) as [Buffer]
  return JSON.parse(data.toString()) as unknown
}

/** Waits for what another end of a socket does in its own time; the test's limit ends a wait in vain. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setImmediate(resolve))
}
