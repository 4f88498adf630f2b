import { MINUTE_MS } from '@damson/core'
import { setImmediate } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { hasChromium, startChromium, type Tab } from './chromium.ts'
import { openShop } from './test-shop.ts'

const title = hasChromium ? 'in a real browser' : 'in a real browser (skipped: no Chromium in /usr/bin)'

/** Asks again until it is so; how long a browser takes is its own affair. The runner's time-out is the end of it. */
async function until(isSo: () => unknown): Promise<void> {
  while (!(await isSo())) await setImmediate()
}

test.skipIf(!hasChromium)(`${title}: visit, sign in, buy, hide the tab twice, close`, async () => {
  const { analytics, clock, engine, url, told } = await openShop()
  const chromium = startChromium()
  onTestFinished(() => chromium.close())
  // Whoever looks at another tab does not look at the shop; and a tab that is closed leaves this one in front.
  const other = await chromium.open('about:blank')
  const shop = await chromium.open(url)

  await until(() => isLoaded(shop, 'The damson shop'))
  await told('resumeSession')
  clock.advance(MINUTE_MS)
  await submit(
    shop,
    `document.querySelector('[name=name]').value = 'ada'; document.querySelector('header button').click()`,
  )
  await until(() => isLoaded(shop, 'Hello'))
  await submit(shop, `document.querySelector('button[value=gin]').click()`)
  await until(() => isLoaded(shop, 'Buy'))
  await submit(shop, `document.querySelector('form[action="/buy"] button').click()`)
  await until(() => isLoaded(shop, 'Thank you'))
  await told('resumeSession')
  clock.advance(MINUTE_MS)

  await other.activate()
  await told('pauseSession')
  clock.advance(29 * MINUTE_MS)
  await shop.activate()
  await told('resumeSession')
  clock.advance(MINUTE_MS)
  await other.activate()
  await told('pauseSession')
  clock.advance(30 * MINUTE_MS)
  await engine.sweep()
  expect(await analytics.facts('ada')).toMatchObject({ sessions: 1, spent: 34 })

  await shop.activate()
  await told('resumeSession')
  clock.advance(2 * MINUTE_MS)
  await shop.send('Page.close')
  await told('pauseSession')
  clock.advance(30 * MINUTE_MS)
  await engine.sweep()

  const entries = await engine.entries('app_test', 'ada')
  const ended = entries.flatMap((entry) => (entry.kind === 'sessionEnded' ? [entry.durationMs / MINUTE_MS] : []))
  expect(ended).toEqual([3, 2])
  const events = entries.flatMap((entry) => (entry.kind === 'event' ? [entry.name] : []))
  expect(events.filter((name) => name === 'Purchase')).toHaveLength(1)
  expect(events.filter((name) => name === 'Page viewed')).toHaveLength(4)
})

function isLoaded(tab: Tab, text: string): Promise<unknown> {
  return tab.evaluate(`document.readyState === 'complete' && document.body.innerText.includes(${JSON.stringify(text)})`)
}

async function submit(tab: Tab, script: string): Promise<void> {
  await tab.evaluate(`${script}; 0`)
}
