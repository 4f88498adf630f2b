// Takes a picture of a running shop for docs/images:
//   pnpm --filter @damson/tests-browser picture URL FILE [EXPRESSION ...]
// Each expression runs in the page, with two seconds after it: time for the page, and for the session to grow.
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { startChromium } from './chromium.ts'

const [url = '', file = '', ...expressions] = process.argv.slice(2)
const chromium = startChromium()
const tab = await chromium.open(url)
await tab.until(`location.href !== 'about:blank' && document.readyState === 'complete'`)
for (const expression of ['0', ...expressions]) {
  await tab.evaluate(expression)
  await setTimeout(2_000)
}
// pnpm runs us in our own folder; INIT_CWD is where it was called.
await tab.screenshot(resolve(process.env['INIT_CWD'] ?? '.', file))
await chromium.close()
