import { createClient } from '@damson/core'
import { fakeClock, fakeTimers } from '@damson/core/testing'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createShop } from '../shop.ts'

/**
 * One of several processes of the shop, as `main.ts` starts it, but for its clock: that stands where the parent says. Tells
 * its port, and after each move that everything tracked by then has arrived.
 */
const { NOW, DAMSON_SECRET = '', DAMSON_ENDPOINT = '', DAMSON_APP_ID = '', DAMSON_CLIENT_KEY = '' } = process.env

const clock = fakeClock(Number(NOW))
const timers = fakeTimers(clock)
const keys = { appId: DAMSON_APP_ID, clientKey: DAMSON_CLIENT_KEY }
const client = createClient({ ...keys, endpoint: DAMSON_ENDPOINT, flushIntervalMs: 500, clock, timers })
const analytics = { client, server: null, facts: async () => null }
const shop = createShop({ analytics, secrets: [DAMSON_SECRET], isSecure: false, damson: { clock } })

const unhandled: string[] = []
process.on('unhandledRejection', (error) => void unhandled.push(String(error)))

const http = shop.listen(0, '127.0.0.1')
await once(http, 'listening')
// While the clocks are moved nobody asks anything: a socket that closes just then would be an error of the test's own.
http.keepAliveTimeout = 0
const underWay = new Set<Promise<unknown>>()
http.on('request', (_request, response) => {
  const closed = once(response, 'close').finally(() => underWay.delete(closed))
  underWay.add(closed)
})

/** A response is noted when it is over, which is a little after its browser has it. */
async function moveTo(now: number): Promise<void> {
  await Promise.all(underWay)
  await timers.advance(now - clock.now())
  const { pending, dropped } = await client.flush()
  process.send?.({ pending, dropped, unhandled })
}

process.on('message', ({ now }: { readonly now: number }) => void moveTo(now))
process.send?.({ port: (http.address() as AddressInfo).port })
