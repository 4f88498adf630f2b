import { MINUTE_MS } from '@damson/core'
import { expectTracked, recordingFetch } from '@damson/core/testing'
import { expect, test } from 'vitest'
import { openShop } from './test-shop.ts'

test('a visit: look, sign in, buy, hide the tab, come back, sign out', async () => {
  const { analytics, clock, engine, go, beacon } = await openShop()
  expect(await (await go('/')).text()).toContain('Damson gin')
  await beacon('resume')
  clock.advance(MINUTE_MS)
  await go('/sign-in', { name: 'Ada <script>' })
  const page = await (await go('/')).text()
  expect(page).toContain('Hello, <b>Ada &#60;script&#62;</b>')
  await go('/cart', { product: 'gin' })
  await go('/cart', { product: 'jam' })
  await go('/cart', { product: 'nothing' })
  clock.advance(MINUTE_MS)
  expect((await go('/buy', {})).headers.get('location')).toBe('/?bought')
  await beacon('pause')
  clock.advance(20 * MINUTE_MS)
  await beacon('resume')
  clock.advance(MINUTE_MS)
  await go('/sign-out', {})

  const { spent, sessions } = (await analytics.facts('Ada <script>')) ?? {}
  expect({ spent, sessions }).toEqual({ spent: 40.5, sessions: 1 })
  const entries = await engine.entries('app_test', 'Ada <script>')
  const ended = entries.filter((entry) => entry.kind === 'sessionEnded')
  expect(ended).toMatchObject([{ durationMs: 3 * MINUTE_MS, reason: 'stop' }])
  const events = entries.flatMap((entry) => (entry.kind === 'event' ? [entry.name] : []))
  expect(events.filter((name) => name !== 'Page viewed')).toEqual(['Added to cart', 'Added to cart', 'Purchase'])
})

test('a purchase says what was paid, in which currency, by whom', async () => {
  const fetch = recordingFetch()
  const { analytics, go } = await openShop(fetch)
  await go('/')
  await go('/sign-in', { name: 'ada' })
  await go('/cart', { product: 'tree' })
  await go('/buy', {})
  await go('/buy', {})
  await analytics.client.flush()
  const params = { products: 'tree', items: 1 }
  expectTracked(fetch, 'Purchase', { userId: 'ada', value: 48, params, times: 1 })
  expect(fetch.taken.find(({ event }) => event === 'Purchase')).toMatchObject({ currencyCode: 'EUR' })
})

test('the panel is told of the session, and looking at it is no sign of life', async () => {
  const { go, beacon, clock } = await openShop()
  await go('/')
  await beacon('resume')
  clock.advance(MINUTE_MS)
  await beacon('pause')
  const state = (await (await go('/session')).json()) as Record<string, unknown>
  expect(state).toMatchObject({ who: 'a visitor', phase: 'paused', activeMs: MINUTE_MS, facts: { sessions: 1 } })
  await go('/session')
  expect(await (await go('/session')).json()).toMatchObject({ phase: 'paused' })
})
