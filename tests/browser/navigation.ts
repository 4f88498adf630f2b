import type { TestServer } from '@damson/server/testing'
import type { Tab } from './chromium.ts'
import { eventsOf, historyOf, until } from './history.ts'

/** True in a page whose beacon has had its first answer: a resource is listed when its answer is there. */
const hasSpoken = `performance.getEntriesByType('resource').some(({ name }) => name.endsWith('/damson/beacon'))`
/** The notes that the beacons of one site leave for each other. */
const visibleTabs = `Object.keys(localStorage).filter((key) => key.startsWith('damson:tab:')).length`

/** `VisitedShop.isSettled` of a shop whose pages have the beacon. */
export function isSettled(tabs: number): string {
  return `${hasSpoken} && ${visibleTabs} === ${tabs}`
}

/**
 * For shops whose pages the browser loads anew. Resolves once the tab shows `text` and everything that the change of pages
 * had to tell has arrived: that the page before was left, for the `leaves`th time, and that this one is seen.
 */
export async function navigation(tab: Tab, text: string, engine: TestServer, leaves: number): Promise<void> {
  await tab.shows(text)
  await tab.until(hasSpoken)
  await until(async () => {
    const pauses = (await historyOf(engine)).filter(({ kind }) => kind === 'sessionPaused')
    return pauses.length >= leaves
  })
}

/** Resolves once the engine has so many events: a page that the router moved to is told like one, and nobody waits for it. */
export async function arrived(engine: TestServer, events: number): Promise<void> {
  await until(async () => (await eventsOf(engine)).length >= events)
}
