import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { fakeClock, fakeTimers, recordingFetch } from '@damson/core/testing'
import type { Tracker } from '@damson/core'
import type { INestApplication } from '@nestjs/common'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FORMATS, installBuilt, loadNest, type Built, type Nest } from './load.ts'
import { adapterOf, PLATFORMS, type Platform } from './shop.ts'

const MINUTE_MS = 60_000
const SITES = ['same-origin', 'same-site', 'cross-site', 'none', undefined]
const ORIGINS = ['own', 'https://evil.test', 'null', undefined]

/** What strangers send, and what happens while the server hangs. Over real sockets, as headers are what it is about. */
export function nestSecurity(major: number, url: string): void {
  const nest = loadNest(url)
  const built = installBuilt(url)

  describe.each(FORMATS)(`NestJS ${major}, %s`, (format) => {
    describe.each(PLATFORMS)('%s', (platform) => {
      let guarded: Guarded
      beforeAll(async () => {
        guarded = await openGuarded(nest, await built(format), platform)
      })
      afterAll(() => guarded.app.close())

      const visit = (headers: Headers = {}) => send(guarded.port, '/who', { headers })
      const beacon = (headers: Headers) =>
        send(guarded.port, '/damson/beacon', {
          method: 'POST',
          // As a browser sends a text; Fastify refuses what does not say what it is.
          headers: { ...headers, 'content-type': 'text/plain;charset=UTF-8' },
          body: '{"type":"heartbeat"}',
        })

      test('a cookie that was tampered with is a new visitor, and no error', async () => {
        const first = await visit()
        const [name = '', value = ''] = first.cookie.split('=')
        const [version = '', payload = '', signature = ''] = value.split('.')
        expect((await visit({ cookie: `${name}=${value}` })).who).toBe(first.who)
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
          const { status, who, cookie } = await visit({ cookie: `${name}=${each}` })
          expect([each, status]).toEqual([each, 200])
          expect(cookie).toMatch(/^__Host-damson=1\./)
          expect(who).toMatch(/^[\da-f-]{36}$/)
          expect(who).not.toBe(first.who)
        }
      })

      test('the beacon believes pages of this site only: Sec-Fetch-Site × Origin', async () => {
        const { cookie } = await visit()
        for (const site of SITES) {
          for (const origin of ORIGINS) {
            const headers: Record<string, string> = { cookie, host: 'shop.test' }
            if (site !== undefined) headers['sec-fetch-site'] = site
            if (origin !== undefined) headers['origin'] = origin === 'own' ? 'https://shop.test' : origin
            const isOwn = site === undefined ? origin === 'own' : site === 'same-origin'
            expect([site, origin, (await beacon(headers)).status]).toEqual([site, origin, isOwn ? 204 : 403])
          }
        }
      })

      test('headers that only a proxy should set make nobody another, and open nothing', async () => {
        const { who, cookie } = await visit()
        for (const address of ['1.1.1.1', '2.2.2.2'])
          expect(await visit({ cookie, 'x-forwarded-for': address })).toMatchObject({ who, cookie: '' })
        expect(await visit({ cookie, 'x-middleware-subrequest': 'proxy:proxy:proxy' })).toMatchObject({ who })
        const evil = { cookie, host: 'shop.test', origin: 'https://evil.test', 'x-forwarded-host': 'evil.test' }
        expect((await beacon(evil)).status).toBe(403)
      })

      test('while the server hangs every request is answered, and all arrives when it is back', async () => {
        const unhandled: unknown[] = []
        const note = (error: unknown) => void unhandled.push(error)
        process.on('unhandledRejection', note)
        guarded.hang(true)
        const { cookie } = await visit()
        for (let time = 0; time < 20; time += 1) {
          expect((await send(guarded.port, `/buy/${time}`, { method: 'POST', headers: { cookie } })).status).toBe(201)
          await guarded.timers.advance(10_000)
        }
        guarded.hang(false)
        await guarded.timers.advance(5 * MINUTE_MS)
        process.off('unhandledRejection', note)
        const items = guarded.server.taken.flatMap(
          ({ params }) => (params as { item?: string } | undefined)?.item ?? [],
        )
        expect(items).toEqual(Array.from({ length: 20 }, (_, item) => String(item)))
        expect(unhandled).toEqual([])
      })
    })
  })
}

type Guarded = Awaited<ReturnType<typeof openGuarded>>

async function openGuarded(nest: Nest, { damson }: Built, platform: Platform) {
  const { Controller, Get, Module, Param, Post } = nest.common
  const { CurrentTracker, DamsonModule, Track } = damson

  @Controller()
  class GuardedController {
    @Get('who')
    who(@CurrentTracker() tracker: Tracker | null) {
      return { who: tracker?.deviceId ?? null }
    }

    @Post('buy/:item')
    @Track('Purchase', { params: (_result: unknown, item: string) => ({ item }) })
    buy(@Param('item') item: string) {
      return { item }
    }
  }

  const clock = fakeClock()
  const timers = fakeTimers(clock)
  const server = recordingFetch()
  let isHanging = false
  const module = DamsonModule.forRoot({
    appId: 'app_test',
    clientKey: 'prod_test',
    fetch: (request) => (isHanging ? new Promise<Response>(() => undefined) : server(request)),
    clock,
    timers,
    secrets: ['a secret of thirty-two characters'],
    beacon: true,
  })
  @Module({ imports: [module], controllers: [GuardedController] })
  class GuardedModule {}

  const app: INestApplication = await nest.core.NestFactory.create(GuardedModule, adapterOf(nest, platform), {
    logger: false,
    abortOnError: false,
  })
  await app.listen(0, '127.0.0.1')
  const { port } = (app.getHttpServer() as { address(): AddressInfo }).address()
  return { app, port, server, timers, hang: (hangs: boolean) => void (isHanging = hangs) }
}

type Headers = Readonly<Record<string, string>>

interface Asked {
  readonly method?: string
  readonly headers?: Headers
  readonly body?: string
}

interface Answered {
  readonly status: number
  /** The pair that is set, or nothing. */
  readonly cookie: string
  readonly who: unknown
}

/** Node's own `fetch` adds headers of a browser; this sends what it is told. */
function send(port: number, path: string, { method = 'GET', headers = {}, body = '' }: Asked): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => (text += part))
      response.once('end', () => {
        const [line = ''] = response.headers['set-cookie'] ?? []
        const { who = null } = (text.startsWith('{') ? JSON.parse(text) : {}) as { who?: unknown }
        resolve({ status: response.statusCode ?? 0, cookie: line.split(';', 1)[0] ?? '', who })
      })
    })
    request.once('error', reject)
    request.end(body)
  })
}
