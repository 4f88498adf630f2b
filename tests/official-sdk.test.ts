import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { MINUTE_MS, SECOND_MS } from '@damson/core'
import { listen } from '@damson/server/node'
import { createTestServer, type TestServer } from '@damson/server/testing'
import { JSDOM } from 'jsdom'
import type * as Leanplum from 'leanplum-sdk'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

// The vendor's own web SDK, as it is published, in a browser's window: a judge we did not appoint.
const sdkSource = readFileSync(createRequire(import.meta.url).resolve('leanplum-sdk/dist/leanplum.min.js'), 'utf8')

type Sdk = (typeof Leanplum)['default']['default']

let world: TestServer
let close: () => Promise<void>
let api: string

beforeEach(async () => {
  world = await createTestServer({ now: Date.now() })
  const listening = await listen({ server: world.server, host: '127.0.0.1', port: 0 })
  api = listening.url
  close = () => listening.stop()
})

afterEach(() => close())

/**
 * The browser's clock is the server's: both move only when told. With a clock of its own, a busy machine lets time pass
 * between an event and its sending, and to a server whose clock stands still the event then lies before its session.
 */
const OUR_CLOCK = `Date = class extends Date {
  constructor(...given) { if (given.length > 0) super(...given); else super(damsonNow()) }
  static now() { return damsonNow() }
}`

/** A page that has loaded the SDK; nothing but the path of the API is set. */
function openPage(): Sdk {
  const { window } = new JSDOM('<!doctype html><title>shop</title>', {
    url: 'http://shop.test/',
    runScripts: 'outside-only',
  })
  Object.assign(window, { damsonNow: () => world.clock.now() })
  window.eval(OUR_CLOCK)
  window.eval(sdkSource)
  const sdk = (window as unknown as { Leanplum: Sdk }).Leanplum
  sdk.setApiPath(api)
  sdk.setDeviceId('device-1')
  sdk.setRequestBatching(false)
  sdk.setAppIdForProductionMode('app_test', 'prod_test')
  return sdk
}

async function entriesOf(kind: string): Promise<readonly Record<string, unknown>[]> {
  const entries = await world.entries('app_test', 'ann')
  return entries.filter((entry) => entry.kind === kind)
}

/** Waits until the server has written so many lines of a kind: the SDK does not say when a request is answered. */
function arrived(kind: string, count = 1): Promise<void> {
  return vi.waitFor(async () => expect(await entriesOf(kind)).toHaveLength(count), { timeout: 5_000, interval: 10 })
}

async function exportedUser(): Promise<Record<string, unknown>> {
  const query = new URLSearchParams({
    appId: 'app_test',
    clientKey: 'export_test',
    action: 'exportUser',
    userId: 'ann',
  })
  const { response } = (await (await fetch(`${api}?${query}`)).json()) as { response: Record<string, unknown>[] }
  return response[0]!
}

const started = (sdk: Sdk) => new Promise<boolean>((resolve) => sdk.start('ann', { plan: 'gold', beta: true }, resolve))

test('the official web SDK starts, tracks, advances, and exportUser agrees', async () => {
  const sdk = openPage()
  expect(await started(sdk)).toBe(true)
  sdk.track('Added to cart', 2.5, 'first', { colour: 'red', pieces: 2 })
  await arrived('event')
  sdk.advanceTo('Checkout', 'step 1', { method: 'card' })
  await arrived('stateEntered')
  sdk.track('Paid')
  await arrived('event', 2)

  const [session] = await entriesOf('sessionStarted')
  const [state] = await entriesOf('stateEntered')
  expect(session).toMatchObject({ deviceId: 'device-1', counted: true, client: 'js', sdkVersion: '1.9.0' })
  expect(state).toMatchObject({ name: 'Checkout', info: 'step 1', params: { method: 'card' }, record: session!.record })
  expect(await entriesOf('event')).toMatchObject([
    { name: 'Added to cart', value: 2.5, info: 'first', params: { colour: 'red', pieces: 2 }, record: session!.record },
    { name: 'Paid', record: session!.record, stateId: state!.stateId },
  ])
  expect(await exportedUser()).toMatchObject({
    userId: 'ann',
    totalSessions: 1,
    userAttributes: { plan: 'gold', beta: 'True' },
    events: { 'Added to cart': { count: 1, value: 2.5 }, Paid: { count: 1 } },
    states: { Checkout: { count: 1 } },
    devices: [{ deviceId: 'device-1' }],
  })
})

test('a session that the SDK pauses and resumes is one session, and the pause does not count', async () => {
  const sdk = openPage()
  await started(sdk)
  world.clock.advance(2 * MINUTE_MS)
  sdk.pauseSession()
  await arrived('sessionPaused')
  world.clock.advance(29 * MINUTE_MS)
  sdk.resumeSession()
  await arrived('sessionResumed')
  sdk.stop()
  await arrived('sessionEnded')

  expect(await entriesOf('sessionStarted')).toHaveLength(1)
  const [ended] = await entriesOf('sessionEnded')
  expect(ended!.durationMs).toBeGreaterThanOrEqual(2 * MINUTE_MS)
  expect(ended!.durationMs).toBeLessThan(3 * MINUTE_MS)
  expect(await exportedUser()).toMatchObject({ totalSessions: 1 })
})

test('a session that the SDK resumes after half an hour is a second one', async () => {
  const sdk = openPage()
  await started(sdk)
  world.clock.advance(SECOND_MS)
  sdk.pauseSession()
  await arrived('sessionPaused')
  world.clock.advance(31 * MINUTE_MS)
  sdk.resumeSession()
  await arrived('sessionStarted', 2)
  expect(await exportedUser()).toMatchObject({ totalSessions: 2 })
})

test('what the SDK batches arrives whole and in order', async () => {
  const sdk = openPage()
  await started(sdk)
  sdk.setRequestBatching(true, 60)
  for (const name of ['one', 'two', 'three']) sdk.track(name)
  sdk.setUserAttributes({ plan: 'silver' })
  sdk.pauseSession()
  await arrived('sessionPaused')
  expect((await entriesOf('event')).map(({ name }) => name)).toEqual(['one', 'two', 'three'])
  expect(await exportedUser()).toMatchObject({ userAttributes: { plan: 'silver', beta: 'True' } })
})
