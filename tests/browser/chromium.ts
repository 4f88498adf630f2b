import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Result } from './protocol.ts'

/** `DAMSON_CHROMIUM`, or where Debian, Ubuntu and Google put it. */
export const CHROMIUM = [
  process.env['DAMSON_CHROMIUM'] ?? '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find(existsSync)

export const hasChromium = CHROMIUM !== undefined
if (!hasChromium)
  console.log('skipped: no Chromium in /usr/bin (apt-get install chromium, or name it in DAMSON_CHROMIUM)')

export interface Tab {
  /** Runs an expression in the page and gives back its value, awaited. @throws what the page threw */
  evaluate(expression: string): Promise<unknown>
  /** Resolves once the expression is true, on whichever page the tab shows by then. The runner's time-out ends it. */
  until(expression: string): Promise<void>
  /** Resolves once the loaded page shows this text. */
  shows(text: string): Promise<void>
  /** Presses what the selector names, as a user would; it must be there. */
  click(selector: string): Promise<void>
  go(url: string): Promise<void>
  /** One page back in the tab's history. */
  back(): Promise<void>
  /** Brings this tab to the front of its window: the others of it are hidden. */
  activate(): Promise<void>
  close(): Promise<void>
  /** As PNG, 1,080 points wide and at most 760 high. */
  screenshot(file: string): Promise<void>
}

export interface Chromium {
  /** A new tab in front, in a window of its own if asked. */
  open(url: string, options?: { readonly inNewWindow: boolean }): Promise<Tab>
  close(): Promise<void>
}

const FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars']

/** A browser with nothing in it. Tabs are hidden and shown as a user's are, and its back-forward cache is on. */
export function startChromium(): Chromium {
  const profile = mkdtempSync(join(tmpdir(), 'damson-chromium-'))
  const { send, ended } = connect(CHROMIUM ?? 'chromium', [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'])
  return {
    async open(url, { inNewWindow } = { inNewWindow: false }) {
      const { targetId } = await send('Target.createTarget', { url, newWindow: inNewWindow })
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
      return tabOf({
        page: (method, params) => send(method, params, sessionId as string),
        // What a page is not alive to answer is asked of the browser.
        browser: (method) => send(method, { targetId }),
      })
    },
    async close() {
      await Promise.race([send('Browser.close'), ended])
      await ended
      // Its helpers may outlive it for an instant, and still write.
      rmSync(profile, { recursive: true, force: true, maxRetries: 20 })
    },
  }
}

interface Calls {
  page(method: string, params?: object): Promise<Result>
  browser(method: string): Promise<Result>
}

function tabOf({ page: call, browser }: Calls): Tab {
  async function evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })
    if (exceptionDetails !== undefined) throw new Error(`The page threw: ${JSON.stringify(exceptionDetails)}`)
    return (result as { readonly value?: unknown }).value
  }

  async function until(expression: string): Promise<void> {
    while (!(await evaluate(expression).catch(falseWhileLeaving))) await breath()
  }

  const tab: Tab = {
    evaluate,
    until,
    shows: (text) =>
      until(`document.readyState === 'complete' && document.body.innerText.includes(${JSON.stringify(text)})`),
    async click(selector) {
      // The page may be left before it can answer.
      await evaluate(`setTimeout(() => document.querySelector(${JSON.stringify(selector)}).click()); 0`)
    },
    async go(url) {
      const { errorText } = await call('Page.navigate', { url })
      if (errorText !== undefined) throw new Error(`${url} did not open: ${String(errorText)}`)
    },
    async back() {
      const { currentIndex, entries } = await call('Page.getNavigationHistory')
      const entry = (entries as readonly { readonly id: number }[])[Number(currentIndex) - 1]
      await call('Page.navigateToHistoryEntry', { entryId: entry?.id })
    },
    activate: async () => void (await browser('Target.activateTarget')),
    close: async () => void (await browser('Target.closeTarget')),
    async screenshot(file) {
      await call('Emulation.setDeviceMetricsOverride', {
        width: 1_080,
        height: 760,
        deviceScaleFactor: 1,
        mobile: false,
      })
      const height = await evaluate('Math.min(760, Math.ceil(document.body.getBoundingClientRect().bottom))')
      const clip = { x: 0, y: 0, width: 1_080, height, scale: 1 }
      const { data } = await call('Page.captureScreenshot', { format: 'png', clip })
      writeFileSync(file, Buffer.from(data as string, 'base64'))
    },
  }
  return tab
}

/** A page that is being left answers nothing any more; the one that follows will. */
function falseWhileLeaving(error: unknown): boolean {
  if (/navigated or closed|context was destroyed|Cannot find (default execution )?context/.test(String(error)))
    return false
  throw error
}

/** Between two looks; the machine has others to run. */
function breath(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 10))
}
