import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { listen } from '@damson/server/node'
import { createTestServer, type TestServer } from '@damson/server/testing'
import { type Chromium, hasChromium, startChromium } from '@damson/tests-browser'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The vendor's own web SDK, as it is published, in a real browser.
const sdkSource = readFileSync(createRequire(import.meta.url).resolve('leanplum-sdk/dist/leanplum.min.js'), 'utf8')

let world: TestServer
let browser: Chromium
let api: string
let shop: string
const closers: (() => unknown)[] = []

beforeAll(async () => {
  if (!hasChromium) return
  world = await createTestServer({ now: Date.now() })
  const listening = await listen({ server: world.server, host: '127.0.0.1', port: 0 })
  api = listening.url
  const pages = createServer((request, response) => {
    const isScript = request.url === '/sdk.js'
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
    response.end(
      isScript ? sdkSource : '<!doctype html><title>shop</title><script src="/sdk.js"></script><h1>Shop</h1>',
    )
  })
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  shop = `http://127.0.0.1:${(pages.address() as AddressInfo).port}/`
  browser = startChromium()
  closers.push(
    () => browser.close(),
    () => pages.closeAllConnections(),
    () => pages.close(),
    () => listening.stop(),
  )
}, 60_000)

afterAll(async () => {
  for (const close of closers) await close()
})

interface Seen {
  readonly title: string
  readonly color: number
  readonly sizes: readonly string[]
  readonly variants: readonly { readonly id: number }[]
}

/** What the SDK gives a page to show, for one user in a page of their own. */
async function seenBy(userId: string, attributes: Record<string, unknown> = {}): Promise<Seen> {
  const tab = await browser.open(shop)
  await tab.shows('Shop')
  const seen = await tab.evaluate(`new Promise((resolve) => {
    localStorage.clear()
    Leanplum.setApiPath(${JSON.stringify(api)})
    Leanplum.setDeviceId(${JSON.stringify(`device of ${userId}`)})
    Leanplum.setRequestBatching(false)
    Leanplum.setAppIdForProductionMode('app_test', 'prod_test')
    Leanplum.setVariables({ title: 'Hello', shop: { color: 1, sizes: ['S', 'M'] } })
    Leanplum.start(${JSON.stringify(userId)}, ${JSON.stringify(attributes)}, () => resolve({
      title: Leanplum.getVariable('title'),
      color: Leanplum.getVariable('shop', 'color'),
      sizes: Leanplum.getVariable('shop', 'sizes'),
      variants: Leanplum.getVariants(),
    }))
  })`)
  await tab.close()
  return seen as Seen
}

const vars = { title: 'Hello', shop: { color: 1, sizes: ['S', 'M'] } }

test.skipIf(!hasChromium)(
  'the official web SDK in Chromium: a variable changes for an audience, and not for others',
  async () => {
    await world.call('setVars', { vars })
    const plan = await world.server.engine.applyContent('app_test', {
      audiences: { gold: 'attribute.plan = "gold"' },
      variables: {
        title: { type: 'string', values: [{ audience: 'gold', value: 'Hello, golden one' }] },
        'shop.color': { type: 'color', values: [{ audience: 'gold', value: '#ff8800' }] },
        'shop.sizes': { type: 'list', values: [{ audience: 'gold', value: ['S', 'XL'] }] },
      },
      tests: {},
    })
    expect(plan.ok).toBe(true)
    expect(await seenBy('ann', { plan: 'gold' })).toEqual({
      title: 'Hello, golden one',
      color: 0xffff8800,
      sizes: ['S', 'XL'],
      variants: [],
    })
    expect(await seenBy('bob', { plan: 'free' })).toEqual({ title: 'Hello', color: 1, sizes: ['S', 'M'], variants: [] })
  },
  60_000,
)

test.skipIf(!hasChromium)(
  'the official web SDK in Chromium: a test splits two users, and each keeps their variant',
  async () => {
    await world.call('setVars', { vars })
    const plan = await world.server.engine.applyContent('app_test', {
      audiences: {},
      variables: {},
      tests: {
        5: {
          name: 'Title',
          state: 'running',
          variants: { 51: { name: 'as it was' }, 52: { name: 'loud', variables: { title: 'HELLO' } } },
        },
      },
    })
    expect(plan.ok).toBe(true)
    const users = ['u1', 'u2', 'u3', 'u4', 'u5', 'u6']
    const first = new Map<string, Seen>()
    for (const user of users) first.set(user, await seenBy(user))
    const variantOf = (user: string) => first.get(user)?.variants[0]?.id
    const one = users.find((user) => variantOf(user) === 51)!
    const other = users.find((user) => variantOf(user) === 52)!
    expect(first.get(one)).toMatchObject({ title: 'Hello' })
    expect(first.get(other)).toMatchObject({ title: 'HELLO' })
    expect(await seenBy(one)).toEqual(first.get(one))
    expect(await seenBy(other)).toEqual(first.get(other))
    for (const user of [one, other]) {
      const entries = await world.entries('app_test', user)
      expect(entries.filter(({ kind }) => kind === 'variantEntered')).toMatchObject([{ variantId: variantOf(user) }])
    }
  },
  120_000,
)
