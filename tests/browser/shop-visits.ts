import { MINUTE_MS } from '@damson/core'
import type { TestServer } from '@damson/server/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { hasChromium, startChromium, type Tab } from './chromium.ts'
import { eventsOf, minutesOf, openPhases, purchasesOf, until } from './history.ts'

/** A shop to be visited and the engine behind it, both on one clock held in the hand. */
export interface VisitedShop {
  readonly url: string
  readonly engine: TestServer
  /** Moves the clock of the shop and of the engine. */
  advance(durationMs: number): Promise<void>
  /** Sends on what the shop has accepted, if it does not do so by itself. */
  flush(): Promise<void>
  /** Signs in and buys something, as the shop's pages have it. Resolves once all that it tells has been accepted. */
  signInAndBuy(tab: Tab): Promise<void>
  /** True in a page once it has told the shop that it is seen, and has heard of so many visible tabs, itself included. */
  isSettled(tabs: number): string
  /** What a visit with that purchase tracks, sorted. */
  readonly events: readonly string[]
  /** What it costs. */
  readonly price: number
}

const LIMIT_MS = 120_000

/** What must hold for any shop: the server's sessions are exactly the time somebody looked. Each test opens its own. */
export function shopVisits(name: string, open: () => Promise<VisitedShop>): void {
  async function start() {
    const shop = await open()
    const chromium = startChromium()
    onTestFinished(() => chromium.close())
    // Whoever looks at another tab does not look at the shop; and a tab that is closed leaves this one in front.
    const other = await chromium.open('about:blank')
    return { shop, chromium, other, ...visitorOf(shop) }
  }

  describe.skipIf(!hasChromium)(`a visitor of the ${name} shop in Chromium`, () => {
    test(
      'looks, signs in, buys, hides the tab, is back in time and once more too late, closes',
      async () => {
        const { shop, chromium, other, ...visitor } = await start()
        const tab = await chromium.open(shop.url)
        await visitor.looks(1, tab)
        await shop.signInAndBuy(tab)
        await visitor.looks(1, tab)
        await other.activate()
        await visitor.isAway(29)
        await tab.activate()
        await visitor.looks(1, tab)
        await other.activate()
        await visitor.isAway(30)
        expect(await visitor.sessions()).toEqual([3])
        await tab.activate()
        await visitor.looks(2, tab)
        await tab.close()
        await visitor.isAway(30)
        expect(await visitor.sessions()).toEqual([3, 2])
        expect(await eventsOf(shop.engine)).toEqual(shop.events)
        expect(await purchasesOf(shop.engine)).toEqual([shop.price])
      },
      LIMIT_MS,
    )

    test(
      'looks at one page for two minutes and leaves it open, hidden, for twenty-nine: two minutes',
      async () => {
        const { shop, chromium, other, ...visitor } = await start()
        const tab = await chromium.open(shop.url)
        await visitor.looks(2, tab)
        await other.activate()
        await visitor.isAway(29)
        await tab.close()
        await visitor.isAway(1)
        expect(await visitor.sessions()).toEqual([2])
      },
      LIMIT_MS,
    )

    test(
      'looks at two windows and a tab behind: one session, for as long as any of them is seen',
      async () => {
        const { shop, chromium, other, ...visitor } = await start()
        const first = await chromium.open(shop.url)
        await visitor.looks(1, first)
        const second = await chromium.open(shop.url, { inNewWindow: true })
        await second.until(shop.isSettled(2))
        await visitor.looks(1, first, 2)
        expect(await first.evaluate('document.visibilityState')).toBe('visible')
        await other.activate()
        await first.until(`document.visibilityState === 'hidden'`)
        await visitor.looks(1, second)
        await second.close()
        await visitor.isAway(10)
        await first.activate()
        await visitor.looks(1, first)
        await first.close()
        await visitor.isAway(30)
        expect(await visitor.sessions()).toEqual([4])
      },
      LIMIT_MS,
    )

    test(
      'goes elsewhere and back to a page that the browser had kept: one session, without the time between',
      async () => {
        const { shop, chromium, other: _, ...visitor } = await start()
        const tab = await chromium.open(shop.url)
        await visitor.looks(1, tab)
        await tab.evaluate(`addEventListener('pageshow', ({ persisted }) => { globalThis.wasKept = persisted }); 0`)
        await tab.go('about:blank')
        await visitor.isAway(10)
        await tab.back()
        await tab.until('globalThis.wasKept === true')
        await visitor.looks(1, tab)
        await tab.close()
        await visitor.isAway(30)
        expect(await visitor.sessions()).toEqual([2])
      },
      LIMIT_MS,
    )
  })
}

function visitorOf(shop: VisitedShop) {
  /** Resolves once the engine has this phase for the one session there is. */
  const told = (phase: 'active' | 'paused') =>
    until(async () => {
      await shop.flush()
      return (await openPhases(shop.engine)).join(' ') === phase
    })
  return {
    /** At a page that has begun to tell: until it has, its request alone has opened the session. */
    async looks(minutes: number, tab: Tab, tabs = 1): Promise<void> {
      await tab.until(shop.isSettled(tabs))
      await told('active')
      await shop.advance(minutes * MINUTE_MS)
    },
    async isAway(minutes: number): Promise<void> {
      await told('paused')
      await shop.advance(minutes * MINUTE_MS)
    },
    /** How many minutes each session that is over was looked at. */
    async sessions(): Promise<readonly number[]> {
      await shop.engine.sweep()
      return minutesOf(shop.engine)
    },
  }
}
