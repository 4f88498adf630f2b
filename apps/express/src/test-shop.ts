import { fakeTimers, type RecordingFetch } from '@damson/core/testing'
import { createTestServer, TEST_APP } from '@damson/server/testing'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { embedded } from './analytics.ts'
import { createShop } from './shop.ts'

const SECRETS = ['a secret of thirty-two characters']

/** The shop on a socket, on a clock held in the hand, before the real engine or one that only takes notes. */
export async function openShop(fetch?: RecordingFetch) {
  const engine = await createTestServer()
  const { clock } = engine
  const timers = fakeTimers(clock)
  const app = { ...TEST_APP, settings: { preferredCurrency: 'EUR' } }
  const analytics = embedded(
    { fetch: (request) => (fetch !== undefined && request.method === 'POST' ? fetch(request) : engine.fetch(request)) },
    app,
    { clock, timers },
  )
  const http = createShop({ analytics, secrets: SECRETS, isSecure: false, damson: { clock } }).listen(0)
  await once(http, 'listening')
  onTestFinished(async () => {
    http.closeAllConnections()
    http.close()
    await analytics.client.close({ timeoutMs: 1 })
    await engine.close()
  })
  const cookies = new Map<string, string>()
  const base = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  async function go(path: string, form?: Record<string, string>, extra: RequestInit = {}): Promise<Response> {
    const response = await globalThis.fetch(base + path, {
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
      ...extra,
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-site': 'same-origin',
        origin: base,
        cookie: [...cookies].map((pair) => pair.join('=')).join('; '),
      },
    })
    for (const set of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (set.split(';')[0] ?? '').split('=')
      cookies.set(name, value)
    }
    return response
  }
  const beacon = (type: string) => go('/damson/beacon', undefined, { method: 'POST', body: JSON.stringify({ type }) })
  return { analytics, clock, engine, url: base, go, beacon }
}
