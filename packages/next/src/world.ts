import { createClient } from '@damson/core'
import { fakeClock, fakeTimers, recordingFetch } from '@damson/core/testing'
import type { DamsonOptions } from './options.ts'

/** For tests: a client that sends to a list, and what a browser sends. */
export function createWorld(options: Partial<DamsonOptions> = {}) {
  const clock = fakeClock()
  const server = recordingFetch()
  const errors: unknown[] = []
  const client = createClient({ appId: 'a', clientKey: 'k', fetch: server, clock, timers: fakeTimers(clock) })
  const settings: DamsonOptions = {
    client,
    secrets: ['a secret of thirty-two characters'],
    onError: (error) => errors.push(error),
    ...options,
  }
  return {
    client,
    server,
    errors,
    settings,
    /** What the server took, once everything is sent: the names of events, and of actions that are none. */
    async taken() {
      await client.flush()
      return server.taken.map(({ action, event }) => event ?? action)
    },
  }
}

const URL = 'https://shop.test/items/7?q=1'

/** A page that a browser loads. */
export function pageLoad(headers: Readonly<Record<string, string>> = {}, init: RequestInit = {}): Request {
  return new Request(URL, { ...init, headers: { accept: 'text/html', 'sec-fetch-dest': 'document', ...headers } })
}

/** The `name=value` of the cookie a response sets. */
export function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

/** The request headers with which Next goes on after the proxy. */
export function passedOn(response: Response): Readonly<Record<string, string | null>> {
  const names = response.headers.get('x-middleware-override-headers')?.split(',') ?? []
  return Object.fromEntries(names.map((name) => [name, response.headers.get(`x-middleware-request-${name}`)]))
}
