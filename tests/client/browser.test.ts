import { createServer as createHttpServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createServer, memoryStore } from '@damson/server'
import { listen } from '@damson/server/node'
import { TEST_APP } from '@damson/server/testing'
import { hasChromium, startChromium, type Chromium, type Tab } from '@damson/tests-browser'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

const CORE = fileURLToPath(new URL('../../packages/core/src/index.ts', import.meta.url))
const LIMIT_MS = 60_000

async function pageFor(endpoint: string): Promise<string> {
  const contents = `import { createClient } from ${JSON.stringify(CORE)}
    window.client = createClient({ appId: 'app_test', clientKey: 'prod_test', endpoint: ${JSON.stringify(endpoint)} })
    window.visitor = window.client.for({ deviceId: 'tab' })`
  const options = { bundle: true, minify: true, format: 'esm', platform: 'browser', write: false } as const
  const result = await build({ stdin: { contents, resolveDir: '/', loader: 'ts' }, ...options })
  return `<!doctype html><title>Shop</title><script type="module">${result.outputFiles[0]!.text}</script>`
}

describe.skipIf(!hasChromium)('the client in Chromium, on a page of another origin than the server', () => {
  const store = memoryStore()
  const server = createServer({ store, apps: [TEST_APP] })
  let listening: Awaited<ReturnType<typeof listen>>
  let pages: Server
  let chromium: Chromium
  let tab: Tab

  beforeAll(async () => {
    listening = await listen({ server, host: '127.0.0.1', port: 0 })
    const page = await pageFor(listening.url)
    pages = createHttpServer((_request, response) => response.setHeader('content-type', 'text/html').end(page))
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
    chromium = startChromium()
    tab = await chromium.open(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`)
    await tab.until('window.visitor !== undefined')
  }, LIMIT_MS)

  afterAll(async () => {
    await chromium.close()
    pages.closeAllConnections()
    pages.close()
    await listening.stop()
  })

  async function counted(event: string): Promise<number> {
    let count = 0
    for await (const { entry } of store.entries({ appId: 'app_test' })) {
      if (entry.kind === 'event' && entry.name === event) count += 1
    }
    return count
  }

  test('sends what was tracked, and opens a session for it', { timeout: LIMIT_MS }, async () => {
    const report = await tab.evaluate(`(() => {
      for (let index = 0; index < 1000; index += 1) void visitor.track('Viewed', { index })
      return client.flush()
    })()`)
    expect(report).toEqual({ sent: 1001, dropped: 0, pending: 0 })
    expect(await tab.evaluate('visitor.session.phase')).toBe('active')
    expect(await counted('Viewed')).toBe(1000)
  })

  test('sends what is tracked while the page goes: a small request is kept alive', { timeout: LIMIT_MS }, async () => {
    await tab.evaluate(`void visitor.track('Left'), void client.flush(), void location.replace('about:blank')`)
    await vi.waitFor(async () => expect(await counted('Left')).toBe(1), { timeout: LIMIT_MS })
  })
})
