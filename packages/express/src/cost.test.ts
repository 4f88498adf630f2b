import { createClient } from '@damson/core'
import { createVisitors } from '@damson/core/web'
import { createHook } from 'node:async_hooks'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { damson, getTracker } from './index.ts'

const SECRET = 'a secret of thirty-two characters'

/** A watched promise costs ten times what tracking does: Node 20 watches all of them once `AsyncLocalStorage` is used. */
test('a request of a visitor we know makes no promise', async () => {
  const client = createClient({ appId: 'app', clientKey: 'key', fetch: () => Response.json({ response: [] }) })
  const visitors = createVisitors({ secrets: [SECRET] })
  const cookie = (await visitors.cookieFor({ ...visitors.issue(), hasSignedIn: true })).split(';', 1)[0]
  const middleware = damson(client, { secrets: [SECRET], identify: () => 'ada' })
  let promises = 0
  const hook = createHook({ init: (_id, type) => void (promises += Number(type === 'PROMISE')) })

  /** Resolves when the route was reached. */
  function request(): Promise<number> {
    return new Promise((resolve) => {
      const incoming = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url: '/api/items' })
      Object.assign(incoming.headers, { cookie })
      const response = new ServerResponse(incoming)
      promises = 0
      hook.enable()
      middleware(incoming, response, () => {
        void getTracker(incoming).track('Seen')
        response.emit('close')
        hook.disable()
        resolve(promises)
      })
    })
  }

  // The first has its cookie verified, and a session opened.
  expect(await request()).toBeGreaterThan(0)
  expect([await request(), await request()]).toEqual([0, 0])
  await client.close({ timeoutMs: 1 })
})
