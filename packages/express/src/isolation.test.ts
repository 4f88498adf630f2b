import { DamsonError, type Tracker } from '@damson/core'
import type { ErrorRequestHandler } from 'express'
import { setTimeout as delay } from 'node:timers/promises'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { currentTracker, errorTracking, getSession, getTracker, logout } from './index.ts'
import { browser, send, signedIn, startApp, VERSIONS } from './test-app.ts'

describe.each(VERSIONS)('requests on %s', (_name, express) => {
  test('1,000 interleaved requests of 100 users never mix', { timeout: 120_000 }, async () => {
    const app = await startApp(express, {
      damson: { identify: signedIn },
      routes(app) {
        // Mounted after: a parser's events must find their way back to the request they belong to.
        app.use(express.json())
        app.post('/work', async (request, response) => {
          const { wait, mark } = request.body as { wait: number; mark: number }
          if (wait > 0) await delay(wait)
          await deep(mark)
          if (wait % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
          response.send(currentTracker()?.userId)
        })
      },
    })
    const deep = async (mark: number) => {
      await Promise.resolve()
      await (currentTracker() as Tracker).track('Worked', { mark })
    }
    const counts = new Map<string, number[]>()
    const work = Array.from({ length: 1_000 }, async (_, mark) => {
      const user = `user-${(mark * 37) % 100}`
      counts.set(user, [...(counts.get(user) ?? []), mark])
      const headers = { 'x-user': user, 'content-type': 'application/json' }
      const body = JSON.stringify({ wait: (mark * 7) % 5, mark })
      expect(await send(app.server, '/work', { method: 'POST', headers, body })).toMatchObject({
        status: 200,
        body: user,
      })
    })
    await Promise.all(work)
    await app.client.flush()
    for (const [user, marks] of counts) {
      const entries = await app.engine.entries('app_test', user)
      const seen = entries.flatMap((entry) => (entry.kind === 'event' ? [Number(entry.params?.['mark'])] : []))
      expect([user, seen.sort((a, b) => a - b)]).toEqual([user, marks])
      expect(entries.filter(({ kind }) => kind === 'sessionStarted')).toHaveLength(1)
    }
    expect(app.errors).toEqual([])
  })

  test('outside of requests nobody is current', () => {
    expect(currentTracker()).toBeNull()
  })

  test('what a route throws is tracked for whom it happened to, without its message, and handed on', async () => {
    const app = await startApp(express, {
      damson: { identify: signedIn },
      routes(app, client) {
        app.get('/fails/:id', () => {
          throw new TypeError('what a person typed')
        })
        app.get('/refuses', () => {
          throw Object.assign(new Error('not yours'), { status: 403 })
        })
        app.use(errorTracking(client))
        const answer: ErrorRequestHandler = (error, _request, response, _next) => {
          response.status(500).send((error as Error).name)
        }
        app.use(answer)
      },
    })
    const ada = browser(app)
    ada.user = 'ada'
    expect(await ada.visit('/fails/7')).toMatchObject({ status: 500, body: 'TypeError' })
    await ada.visit('/refuses')
    await app.client.flush()
    const events = (await app.engine.entries('app_test', 'ada')).filter(({ kind }) => kind === 'event')
    expect(events).toMatchObject([
      { name: 'Request failed', params: { error: 'TypeError', status: 500, route: '/fails/:id' } },
    ])
  })
})

test('a route before the middleware is told which line to add', () => {
  const request = new IncomingMessage(new Socket())
  for (const call of [getTracker, getSession, logout]) {
    expect(() => call(request)).toThrow(DamsonError)
    expect(() => call(request)).toThrow(`${call.name}(req) was called on a request that damson() has not seen`)
    expect(() => call(request)).toThrow('app.use(damson(client, { secrets: [secret] }))')
  }
})
