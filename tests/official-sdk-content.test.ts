import { hasChromium } from '@damson/tests-browser'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openSdkShop, type SdkShop } from './sdk-shop.ts'

let opened: SdkShop | null = null
let world: SdkShop['world']
let browser: SdkShop['browser']
let api: string
let shop: string

beforeAll(async () => {
  if (!hasChromium) return
  opened = await openSdkShop()
  ;({ world, browser, api, shop } = opened)
}, 60_000)

afterAll(() => opened?.close())

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
