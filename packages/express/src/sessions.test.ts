import { HOUR_MS, MINUTE_MS } from '@damson/core'
import { describe, expect, test } from 'vitest'
import { getSession, getTracker, logout } from './index.ts'
import { browser, signedIn, startApp, VERSIONS } from './test-app.ts'

describe.each(VERSIONS)('a session on %s', (_name, express) => {
  test('begins with the first page, is kept alive by requests, and ends two hours after the last', async () => {
    const app = await startApp(express)
    const visitor = browser(app)
    expect((await visitor.visit('/')).status).toBe(200)
    for (let call = 0; call < 18; call += 1) {
      app.clock.advance(10 * MINUTE_MS)
      await visitor.call('/')
    }
    expect(await app.user(visitor.deviceId())).toMatchObject({ sessions: 1, isOpen: true })
    app.clock.advance(2 * HOUR_MS)
    await app.engine.sweep()
    expect(await app.user(visitor.deviceId())).toMatchObject({ sessions: 1, durations: [3 * HOUR_MS] })
    await visitor.visit('/')
    expect(await app.user(visitor.deviceId())).toMatchObject({ sessions: 2, isOpen: true })
    expect(app.errors).toEqual([])
  })

  test('goes on when the visitor signs in, and ends when they sign out', async () => {
    const app = await startApp(express, {
      damson: { identify: signedIn },
      routes(app) {
        app.get('/buy', (request, response) => {
          void getTracker(request).track('Purchase', { item: 7 }, { value: 9.99 })
          response.send('bought')
        })
        app.get('/bye', async (request, response) => {
          await logout(request)
          response.send('bye')
        })
      },
    })
    const ada = browser(app)
    await ada.visit('/')
    const device = ada.deviceId()
    app.clock.advance(5 * MINUTE_MS)
    ada.user = 'ada'
    await ada.visit('/buy')
    app.clock.advance(5 * MINUTE_MS)
    await ada.visit('/bye')
    expect(await app.user('ada')).toEqual({
      sessions: 1,
      durations: [10 * MINUTE_MS],
      isOpen: false,
      events: ['Purchase'],
    })
    expect(ada.deviceId()).not.toBe(device)
    expect(app.errors).toEqual([])
  })

  test('is as long as somebody looked: two minutes seen and twenty-nine hidden are two minutes', async () => {
    const app = await startApp(express)
    const visitor = browser(app)
    await visitor.visit('/')
    await visitor.beacon('resume')
    app.clock.advance(2 * MINUTE_MS)
    await visitor.beacon('pause')
    app.clock.advance(29 * MINUTE_MS)
    await app.client.flush()
    // A page that nobody sees goes on polling.
    await visitor.call('/')
    app.clock.advance(MINUTE_MS)
    await app.engine.sweep()
    expect(await app.user(visitor.deviceId())).toMatchObject({ sessions: 1, durations: [2 * MINUTE_MS] })
    await visitor.call('/')
    expect(await app.user(visitor.deviceId())).toMatchObject({ sessions: 1 })
    await visitor.beacon('resume')
    expect(await app.user(visitor.deviceId())).toMatchObject({ sessions: 2, isOpen: true })
  })

  test('a page hidden and seen again within thirty minutes is one session, without the time between', async () => {
    const app = await startApp(express)
    const visitor = browser(app)
    await visitor.visit('/')
    for (const type of ['resume', 'pause', 'resume', 'stop']) {
      await visitor.beacon(type)
      app.clock.advance(10 * MINUTE_MS)
    }
    expect(await app.user(visitor.deviceId())).toMatchObject({ sessions: 1, durations: [20 * MINUTE_MS] })
  })

  test('assets, prefetched pages, HEAD requests and what is ignored are no sign of life, and get no cookie', async () => {
    const app = await startApp(express, { damson: { ignore: ({ path }) => path === '/poll' } })
    const visitor = browser(app)
    await visitor.call('/style.css')
    await visitor.visit('/', { 'sec-purpose': 'prefetch;prerender' })
    await visitor.call('/', { method: 'HEAD' })
    await visitor.visit('/poll')
    expect(visitor.cookies.size).toBe(0)
    await app.client.flush()
    expect(app.client.stats()).toMatchObject({ accepted: 0 })
  })

  test('programs and crawlers, who bring no cookie back, are not a visitor for each request', async () => {
    const app = await startApp(express)
    for (let request = 0; request < 3; request += 1) {
      expect((await app.request('/')).headers['set-cookie']).toBeUndefined()
      await app.request('/wp-admin', { headers: { accept: 'text/html' } })
      await browser(app).call('/')
    }
    expect(app.client.stats()).toMatchObject({ accepted: 0 })
  })

  test('a program that signs in has one session, though it keeps no cookie', async () => {
    const app = await startApp(express, { damson: { identify: signedIn } })
    for (let request = 0; request < 3; request += 1) await app.request('/', { headers: { 'x-user': 'robot' } })
    expect(await app.user('robot')).toMatchObject({ sessions: 1 })
  })

  test('tells a route how it stands', async () => {
    const app = await startApp(express, {
      routes(app) {
        app.get('/session', (request, response) => void response.json(getSession(request)))
      },
    })
    const visitor = browser(app)
    expect((await visitor.visit('/session')).body).toBe('null')
    const startedAt = app.clock.now()
    app.clock.advance(2 * MINUTE_MS)
    await visitor.beacon('pause')
    app.clock.advance(MINUTE_MS)
    const session: unknown = JSON.parse((await visitor.call('/session')).body)
    expect(session).toEqual({
      phase: 'paused',
      startedAt,
      lastActivityAt: startedAt + 2 * MINUTE_MS,
      activeMs: 2 * MINUTE_MS,
    })
  })
})

describe.each(VERSIONS)('pages tracked on %s', (_name, express) => {
  test('true tracks the pages people were shown, by their route', async () => {
    const app = await startApp(express, {
      damson: { trackRequests: true },
      routes(app) {
        app.get('/orders/:id', (_request, response) => void response.send('an order'))
      },
    })
    const visitor = browser(app)
    await visitor.visit('/orders/4711?token=secret')
    await visitor.call('/orders/4712')
    await visitor.visit('/nowhere')
    await app.client.flush()
    const entries = await app.engine.entries('app_test', visitor.deviceId())
    const events = entries.filter((entry) => entry.kind === 'event')
    expect(events).toMatchObject([{ name: 'Page viewed', params: { page: '/orders/:id' } }])
  })

  test('a function says what a request is tracked as; one that throws is reported and breaks nothing', async () => {
    const app = await startApp(express, {
      damson: {
        trackRequests({ path }, { statusCode }) {
          if (path === '/odd') throw new Error('odd')
          return { event: 'Request', params: { statusCode }, value: 2 }
        },
      },
    })
    const visitor = browser(app)
    await visitor.visit('/')
    expect((await visitor.visit('/odd')).status).toBe(404)
    await app.client.flush()
    const events = (await app.engine.entries('app_test', visitor.deviceId())).filter(({ kind }) => kind === 'event')
    expect(events).toMatchObject([{ name: 'Request', value: 2, params: { statusCode: 200 } }])
    expect(app.errors).toEqual([new Error('odd')])
  })
})
