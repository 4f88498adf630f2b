import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fakePage, fakeStorage, type FakePage } from './fake-page.ts'
import { startBeacon } from './index.ts'

// The beacon asks the page's own clock, as a page does: here that clock is held in the hand.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 }))
afterEach(() => void vi.useRealTimers())

const RESUME = 'fetch {"type":"resume"}'
const HEARTBEAT = 'fetch {"type":"heartbeat"}'
const PAUSE = 'beacon {"type":"pause"}'

function tab(storage = fakeStorage(), isVisible = true) {
  const page = fakePage(storage, isVisible)
  return { page, beacon: startBeacon({ page }) }
}

/** Lets the page look at the clock every fifteen seconds. */
function pass(minutes: number, ...pages: readonly FakePage[]): void {
  for (let look = 0; look < minutes * 4; look += 1) {
    vi.setSystemTime(Date.now() + 15_000)
    for (const page of pages) page.tick()
  }
}

test('a visit: shown, seen for a while, hidden, shown again, closed', () => {
  const { page } = tab()
  pass(11, page)
  page.hide()
  page.show()
  page.leave()
  expect(page.sent).toEqual([RESUME, HEARTBEAT, HEARTBEAT, HEARTBEAT, PAUSE, RESUME, PAUSE])
})

test('a page that opens in the background, or is rendered ahead, says nothing until it is seen', () => {
  const { page } = tab(fakeStorage(), false)
  pass(30, page)
  page.leave()
  expect(page.sent).toEqual([])
  page.show()
  expect(page.sent).toEqual([RESUME])
})

test('leaving is told once, whichever events the browser fires', () => {
  const { page } = tab()
  page.leave()
  page.hide()
  page.leave()
  expect(page.sent).toEqual([RESUME, PAUSE])
})

test('a page brought back by the back button resumes, and is paused when it is left again', () => {
  const { page } = tab()
  page.leave()
  page.comeBack()
  page.leave()
  expect(page.sent).toEqual([RESUME, PAUSE, RESUME, PAUSE])
})

test('of several visible tabs only the last to be hidden pauses the session', () => {
  const storage = fakeStorage()
  const first = tab(storage)
  const second = tab(storage)
  pass(2, first.page, second.page)
  first.page.hide()
  expect(first.page.sent).not.toContain(PAUSE)
  pass(2, second.page)
  second.page.hide()
  expect(second.page.sent.at(-1)).toBe(PAUSE)
  expect(storage.length).toBe(0)
})

test('a tab that crashed does not keep the session open', () => {
  const storage = fakeStorage()
  tab(storage)
  const { page } = tab(storage)
  pass(2, page)
  page.hide()
  expect(page.sent.at(-1)).toBe(PAUSE)
  expect(storage.length).toBe(0)
})

test('the time a machine slept is taken back: paused when it was last awake, resumed now', async () => {
  const { page } = tab()
  pass(1, page)
  const awakeAt = Date.now()
  vi.setSystemTime(awakeAt + 3_600_000)
  page.tick()
  await vi.waitFor(() => expect(page.sent.at(-1)).toBe(RESUME))
  expect(page.sent.slice(-2)).toEqual([`fetch {"type":"pause","at":${awakeAt}}`, RESUME])
})

test('stop ends the session and the beacon is quiet from then on', () => {
  const { page, beacon } = tab()
  beacon.stop()
  beacon.stop()
  page.hide()
  page.show()
  pass(10, page)
  expect(page.sent).toEqual([RESUME, 'beacon {"type":"stop"}'])
})

test('detach goes quiet without a word, and another beacon may take over', () => {
  const { page, beacon } = tab()
  beacon.detach()
  page.hide()
  expect(page.sent).toEqual([RESUME])
  page.show()
  startBeacon({ page })
  page.hide()
  expect(page.sent).toEqual([RESUME, RESUME, PAUSE])
})

test('a note the browser does not take is sent with keepalive; being offline breaks nothing', async () => {
  const { page } = tab()
  page.acceptsBeacons = false
  page.hide()
  expect(page.sent.at(-1)).toBe('fetch {"type":"pause"}')
  page.isOnline = false
  page.show()
  pass(10, page)
  page.hide()
  expect(page.sent.length).toBe(2)
})

test('where storage is denied each tab speaks for itself', () => {
  const page = fakePage(fakeStorage())
  const denied = Object.defineProperty({ ...page }, 'localStorage', {
    get() {
      throw new Error('SecurityError')
    },
  })
  startBeacon({ page: denied })
  page.hide()
  expect(page.sent).toEqual([RESUME, PAUSE])
})
