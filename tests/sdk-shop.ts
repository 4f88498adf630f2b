import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { listen } from '@damson/server/node'
import { createTestServer, type TestServer } from '@damson/server/testing'
import { type Chromium, startChromium } from '@damson/tests-browser'

/** The vendor's own web SDK, as it is published, in a real browser, on a page of another origin than our server. */
export interface SdkShop {
  readonly world: TestServer
  readonly browser: Chromium
  /** What the SDK is told to send to. */
  readonly api: string
  /** The page's address. */
  readonly shop: string
  close(): Promise<void>
}

const SDK = createRequire(import.meta.url).resolve('leanplum-sdk/dist/leanplum.min.js')

/** @param script the app's own part of the page, which runs once the SDK is there */
export async function openSdkShop(script = ''): Promise<SdkShop> {
  const world = await createTestServer({ now: Date.now() })
  const listening = await listen({ server: world.server, host: '127.0.0.1', port: 0 })
  const sdk = readFileSync(SDK, 'utf8')
  const page = `<!doctype html><title>shop</title><script src="/sdk.js"></script><h1>Shop</h1><script>${script}</script>`
  const pages = createServer((request, response) => {
    const isScript = request.url === '/sdk.js'
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? sdk : page)
  })
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
  const browser = startChromium()
  return {
    world,
    browser,
    api: listening.url,
    shop: `http://127.0.0.1:${(pages.address() as AddressInfo).port}/`,
    async close() {
      await browser.close()
      pages.closeAllConnections()
      pages.close()
      await listening.stop()
    },
  }
}
