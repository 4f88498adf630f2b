import { MINUTE_MS, SECOND_MS } from '@damson/core'
import { recordingFetch } from '@damson/core/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { getTracker, gracefulShutdown } from './index.ts'
import { browser, startApp, VERSIONS, type TestApp } from './test-app.ts'

const unhandled: unknown[] = []
const note = (error: unknown) => void unhandled.push(error)
beforeEach(() => void process.on('unhandledRejection', note))
afterEach(() => void process.off('unhandledRejection', note))

const routes: Parameters<typeof startApp>[1] = {
  routes(app) {
    app.get('/buy/:item', (request, response) => {
      void getTracker(request).track('Purchase', { item: Number(request.params['item']) })
      response.send('bought')
    })
  },
}

/** Twenty people buy something, while the client goes on trying. */
async function shopping(app: TestApp): Promise<void> {
  for (let item = 0; item < 20; item += 1) {
    const reply = await browser(app).visit(`/buy/${item}`)
    expect(reply).toMatchObject({ status: 200, body: 'bought' })
    await app.timers.advance(10 * SECOND_MS)
  }
}

const bought = (taken: readonly Readonly<Record<string, unknown>>[]) =>
  taken
    .filter(({ action }) => action === 'track')
    .map(({ params }) => (params as { item: number }).item)
    .sort((a, b) => a - b)

const ALL = Array.from({ length: 20 }, (_, item) => item)

describe.each(VERSIONS)('while the server is away, an app on %s', (_name, express) => {
  for (const fault of ['networkError', 'answerLost', 503, 429] as const) {
    test(`answers as ever, and everything arrives once when it is back (${fault})`, async () => {
      const fetch = recordingFetch()
      fetch.failAlways(fault)
      const app = await startApp(express, { ...routes, client: { fetch } })
      await shopping(app)
      fetch.failAlways(null)
      await app.timers.advance(5 * MINUTE_MS)
      expect(bought(fetch.taken)).toEqual(ALL)
      expect(unhandled.splice(0)).toEqual([])
      expect(app.errors).toEqual([])
    })
  }

  test('answers as ever while requests to it hang', async () => {
    const back = recordingFetch()
    let isHanging = true
    const fetch = (request: Request) => (isHanging ? new Promise<Response>(() => undefined) : back(request))
    const app = await startApp(express, { ...routes, client: { fetch } })
    await shopping(app)
    isHanging = false
    await app.timers.advance(5 * MINUTE_MS)
    expect(bought(back.taken)).toEqual(ALL)
    expect(unhandled.splice(0)).toEqual([])
  })
})

test('what waits for a server that is away is bounded, and what finds no room is counted', async () => {
  const fetch = recordingFetch()
  fetch.failAlways('networkError')
  const [, express] = VERSIONS[0]!
  const app = await startApp(express, { ...routes, client: { fetch, maxQueue: 10 } })
  await shopping(app)
  const { pending, dropped } = app.client.stats()
  expect(pending).toBe(10)
  // A session and an event for each of twenty people, of which ten actions wait.
  expect(dropped).toEqual({ queueFull: 30 })
  expect(unhandled.splice(0)).toEqual([])
})

describe.each(VERSIONS)('shutting down on %s', (_name, express) => {
  test('finishes the request under way, sends what it tracked, then closes the rest', async () => {
    const fetch = recordingFetch()
    let finish = () => {}
    const finished = new Promise<void>((resolve) => (finish = resolve))
    let arrived = () => {}
    const arrival = new Promise<void>((resolve) => (arrived = resolve))
    const app = await startApp(express, {
      client: { fetch },
      routes(app) {
        app.get('/slow', async (request, response) => {
          arrived()
          await finished
          await getTracker(request).track('Done')
          response.send('done')
        })
      },
    })
    const order: string[] = []
    const shutDown = gracefulShutdown(app.server, app.client, { signals: [], close: () => order.push('closed') })
    const reply = browser(app)
      .visit('/slow')
      .then(({ body }) => order.push(body))
    await arrival
    const report = shutDown()
    expect(shutDown()).toBe(report)
    finish()
    expect(await report).toMatchObject({ dropped: 0, pending: 0 })
    await reply
    expect(order.sort()).toEqual(['closed', 'done'])
    expect(fetch.taken.map(({ event, action }) => event ?? action)).toEqual(['resumeSession', 'Done'])
  })
})
