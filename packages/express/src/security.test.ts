import { describe, expect, test } from 'vitest'
import { damson, getTracker } from './index.ts'
import { browser, SECRET, send, startApp, VERSIONS } from './test-app.ts'

const COOKIE = /^__Host-damson=1\.[\w-]+\.[\w-]{43}; Max-Age=34560000; Path=\/; HttpOnly; Secure; SameSite=Lax$/

describe.each(VERSIONS)('who a visitor is on %s', (_name, express) => {
  test('a browser is given one cookie, keeps it, and the cookies of others stay beside it', async () => {
    const app = await startApp(express, {
      routes: (app) => void app.get('/theme', (_request, response) => void response.cookie('theme', 'dark').send('')),
    })
    const visitor = browser(app)
    const [ours, theirs] = (await visitor.visit('/theme')).headers['set-cookie'] ?? []
    expect(ours).toMatch(COOKIE)
    expect(theirs).toMatch(/^theme=dark/)
    expect((await visitor.visit('/')).headers['set-cookie']).toBeUndefined()
  })

  test('a cookie that was tampered with is a new visitor, not an error', async () => {
    const app = await startApp(express)
    const visitor = browser(app)
    await visitor.visit('/')
    const first = visitor.deviceId()
    const [version = '', payload = '', signature = ''] = (visitor.cookies.get('__Host-damson') ?? '').split('.')
    const other = Buffer.from(JSON.stringify(['someone-else', 1])).toString('base64url')
    const forged = [
      `${version}.${other}.${signature}`,
      `${version}.${payload}.`,
      payload,
      '%00',
      `${version}.${payload}.${signature}x`,
    ]
    for (const value of forged) {
      const reply = await browser(app).visit('/', { cookie: `__Host-damson=${value}` })
      expect(reply.status).toBe(200)
      expect(reply.headers['set-cookie']?.[0]).toMatch(COOKIE)
    }
    expect(await app.user('someone-else')).toMatchObject({ sessions: 0 })
    expect(await app.user(first)).toMatchObject({ sessions: 1 })
    expect(app.errors).toEqual([])
  })

  test('a browser that objects, by Global Privacy Control or Do Not Track, gets no cookie and no session', async () => {
    const app = await startApp(express, { damson: { trackRequests: true } })
    for (const header of ['sec-gpc', 'dnt']) {
      const reply = await browser(app).visit('/', { [header]: '1' })
      expect(reply.headers['set-cookie']).toBeUndefined()
    }
    await app.client.flush()
    expect(app.client.stats()).toMatchObject({ accepted: 0 })
  })

  test('X-Forwarded-For makes nobody another visitor', async () => {
    const app = await startApp(express)
    const visitor = browser(app)
    for (const address of ['1.1.1.1', '2.2.2.2']) await visitor.visit('/', { 'x-forwarded-for': address })
    expect(await app.user(visitor.deviceId())).toMatchObject({ sessions: 1 })
    await app.client.flush()
    expect(app.client.stats()).toMatchObject({ accepted: 1 })
  })

  test('ids and functions of the host that break are reported, and the response goes out', async () => {
    const broken = () => {
      throw new Error('broken')
    }
    const app = await startApp(express, {
      damson: { identify: broken, deviceId: broken, ignore: broken, consent: broken, onError: broken },
      routes: (app) =>
        void app.get('/page', (request, response) => void response.send(String(getTracker(request).userId))),
    })
    expect(await browser(app).visit('/page')).toMatchObject({ status: 200, body: 'undefined' })
    const long = await startApp(express, { damson: { identify: () => 'x'.repeat(5_000) } })
    expect((await browser(long).visit('/')).status).toBe(200)
    expect(long.errors[0]).toMatchObject({ code: 'IDENTITY_INVALID' })
  })

  test('odd request targets are answered by the app', async () => {
    const app = await startApp(express)
    for (const path of ['//', '/?', '/%', '//damson/beacon.js?x', '/..//..']) {
      expect((await send(app.server, path)).status).toBeLessThan(500)
    }
    expect(app.errors).toEqual([])
  })
})

describe.each(VERSIONS)('the beacon on %s', (_name, express) => {
  const SITES = ['same-origin', 'same-site', 'cross-site', 'none', undefined]
  const ORIGINS = ['own', 'https://evil.test', 'null', undefined]

  test('takes messages of pages of this site only: Sec-Fetch-Site × Origin', async () => {
    const app = await startApp(express)
    const visitor = browser(app)
    await visitor.visit('/')
    const cookie = [...visitor.cookies].map((pair) => pair.join('=')).join('; ')
    for (const site of SITES) {
      for (const origin of ORIGINS) {
        const headers: Record<string, string> = { cookie, host: 'shop.test' }
        if (site !== undefined) headers['sec-fetch-site'] = site
        if (origin !== undefined) headers['origin'] = origin === 'own' ? 'https://shop.test' : origin
        const isOwn = site === undefined ? origin === 'own' : site === 'same-origin'
        const reply = await app.request('/damson/beacon', { method: 'POST', headers, body: '{"type":"heartbeat"}' })
        expect([site, origin, reply.status]).toEqual([site, origin, isOwn ? 204 : 403])
      }
    }
  })

  test('believes X-Forwarded-Host only of a proxy the app trusts', async () => {
    const headers = { host: 'inner:3000', origin: 'https://evil.test', 'x-forwarded-host': 'evil.test' }
    const parts = { method: 'POST', headers, body: '{"type":"heartbeat"}' }
    const trusting = (isTrusting: boolean) =>
      startApp(express, {
        before: [
          (request, _response, next) => {
            if (isTrusting) request.app.set('trust proxy', 'loopback')
            next()
          },
        ],
      })
    expect((await (await trusting(false)).request('/damson/beacon', parts)).status).toBe(403)
    expect((await (await trusting(true)).request('/damson/beacon', parts)).status).toBe(204)
  })

  test('refuses what is no beacon, and reads messages that a parser has read before', async () => {
    const app = await startApp(express, { before: [express.text({ type: '*/*' }), express.json()] })
    const plain = await startApp(express)
    for (const each of [app, plain]) {
      const post = async (body: string, method = 'POST') =>
        (await each.request('/damson/beacon', { method, headers: { 'sec-fetch-site': 'same-origin' }, body })).status
      expect(await post('{"type":"heartbeat"}')).toBe(204)
      expect(await post('{"type":"deleteUser"}')).toBe(400)
      expect(await post('x'.repeat(4_000))).toBe(413)
      expect(await post('', 'PUT')).toBe(405)
    }
  })

  test('serves its script, or nothing at all where it is turned off', async () => {
    const app = await startApp(express)
    const script = await app.request('/damson/beacon.js')
    expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8')
    expect(script.body).toContain('visibilitychange')
    const without = await startApp(express, { damson: { beacon: false } })
    expect((await without.request('/damson/beacon.js')).status).toBe(404)
    expect((await without.request('/damson/beacon', { method: 'POST' })).status).toBe(404)
  })
})

test('a secret that is missing is told when the app starts', async () => {
  const { client } = await startApp(VERSIONS[1]![1])
  expect(() => damson(client, {})).toThrow(/at least one secret of 32 characters/)
  expect(() => damson(client, { cookie: false })).not.toThrow()
  expect(() => damson(client, { secrets: [SECRET, 'old'] })).toThrow(/found one of 3 characters/)
})
