import type { Page } from './page.ts'
import { createTabs } from './tabs.ts'

export type { Page, PageStorage } from './page.ts'

export interface BeaconOptions {
  /** Where the adapter listens. Default `/damson/beacon`. */
  readonly endpoint?: string
  /** How often a visible page says so. Milliseconds; default five minutes. */
  readonly heartbeatMs?: number
  /** The window; a test hands over another. */
  readonly page?: Page
}

export interface Beacon {
  /** Ends the session and goes quiet: for a logout without a page load. */
  stop(): void
  /** Goes quiet and leaves the session as it is: for a component that is taken off the page. */
  detach(): void
}

/** How often a visible page looks at the clock. A gap of several such looks is a machine that slept. */
const TICK_MS = 15_000
const SLEPT_MS = 4 * TICK_MS
const HEARTBEAT_MS = 300_000

/**
 * Tells the server when this page is seen, so that a session's duration is the time somebody looked. Sends `resume` when the
 * page is shown, `pause` when the last visible tab of the site is hidden or closed, and heartbeats between.
 */
export function startBeacon({
  endpoint = '/damson/beacon',
  heartbeatMs = HEARTBEAT_MS,
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion -- tests bring the DOM's types, the build has none
  page = globalThis as unknown as Page,
}: BeaconOptions = {}): Beacon {
  const { document } = page
  const tabs = createTabs(page, SLEPT_MS)
  let timer: unknown
  let isShown = false
  let isOver = false
  let lookedAt = 0
  let beatAt = 0

  function onChange(): void {
    if (document.visibilityState === 'visible') show()
    else hide()
  }

  function show(): void {
    if (isShown || isOver) return
    isShown = true
    lookedAt = Date.now()
    // The first heartbeat follows soon: a `resume` that was overtaken by the `pause` of the page before is put right by it.
    beatAt = lookedAt - heartbeatMs
    tabs.show(lookedAt)
    timer = page.setInterval(look, TICK_MS)
    void post('resume')
  }

  /** Also on `pagehide`, where the page may still call itself visible. */
  function hide(): void {
    if (!isShown) return
    leave()
    if (!tabs.isOtherVisible(Date.now())) postOnLeaving('pause')
  }

  function leave(): void {
    isShown = false
    page.clearInterval(timer)
    tabs.hide()
  }

  function look(): void {
    const now = Date.now()
    tabs.show(now)
    if (now - lookedAt > SLEPT_MS) void post('pause', lookedAt).then(() => post('resume'))
    else if (now - beatAt >= heartbeatMs) {
      beatAt = now
      void post('heartbeat')
    }
    lookedAt = now
  }

  /** Nobody waits for the answer, and if there is none the next message says the same again. */
  function post(type: string, at?: number): Promise<unknown> {
    const body = JSON.stringify({ type, at })
    return page.fetch(endpoint, { method: 'POST', body, keepalive: true }).catch(() => undefined)
  }

  /** A page on its way out may only leave a note. */
  function postOnLeaving(type: string): void {
    if (!page.navigator.sendBeacon?.(endpoint, JSON.stringify({ type }))) void post(type)
  }

  function detach(): void {
    if (isShown) leave()
    isOver = true
    document.removeEventListener('visibilitychange', onChange)
    page.removeEventListener('pagehide', hide)
    page.removeEventListener('pageshow', onChange)
  }

  document.addEventListener('visibilitychange', onChange)
  page.addEventListener('pagehide', hide)
  // Back from the cache of the back button, a page runs on where it was left.
  page.addEventListener('pageshow', onChange)
  onChange()

  return {
    detach,
    stop() {
      if (!isOver) postOnLeaving('stop')
      detach()
    },
  }
}
