import { createClient, type Client, type ClientOptions } from '@damson/core'
import { fakeTimers, type FakeClock, type FakeTimers } from '@damson/core/testing'
import { createTestServer, type TestServer } from '@damson/server/testing'
import express5, { type Express, type Request, type RequestHandler } from 'express'
import express4 from 'express4'
import { once } from 'node:events'
import http, { type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { damson, type DamsonOptions } from './index.ts'

export const SECRET = 'a secret of thirty-two characters'

/** Both versions of Express, to run the same tests on. The types of 5 stand for both: nothing used here differs. */
export const VERSIONS: readonly (readonly [string, typeof express5])[] = [
  ['Express 4', express4],
  ['Express 5', express5],
]

/** The user of our tests signs in by saying so. */
export const signedIn = (request: { readonly headers: IncomingHttpHeaders }) => {
  const user = request.headers['x-user']
  return typeof user === 'string' ? user : null
}

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface TestApp {
  readonly client: Client
  readonly clock: FakeClock
  readonly timers: FakeTimers
  readonly engine: TestServer
  readonly errors: unknown[]
  readonly server: Server
  /** Over a real socket. Resolves once the response is over on the server's side too, and noted. */
  request(path: string, options?: RequestParts): Promise<Reply>
  /** What the engine knows of a user, after everything was sent. */
  user(userId: string): Promise<UserFacts>
}

export interface RequestParts {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface UserFacts {
  readonly sessions: number
  /** The durations of those that ended. Milliseconds. */
  readonly durations: readonly number[]
  readonly isOpen: boolean
  readonly events: readonly string[]
}

export interface TestAppOptions {
  readonly damson?: Partial<DamsonOptions<Request>>
  readonly client?: Partial<ClientOptions>
  /** One that several apps share; the test closes it. */
  readonly engine?: TestServer
  /** What is mounted before `damson()`. */
  readonly before?: readonly RequestHandler[]
  routes?(app: Express, client: Client): void
}

export async function startApp(express: typeof express5, options: TestAppOptions = {}): Promise<TestApp> {
  const engine = options.engine ?? (await createTestServer())
  const { clock } = engine
  const timers = fakeTimers(clock)
  const keys = { appId: 'app_test', clientKey: 'prod_test' }
  const client = createClient({ ...keys, fetch: engine.fetch, clock, timers, ...options.client })
  const errors: unknown[] = []
  const app = express()
  const closes: Promise<unknown>[] = []
  app.use((_request, response, next) => {
    closes.push(once(response, 'close'))
    next()
  })
  for (const handler of options.before ?? []) app.use(handler)
  const onError = (error: unknown) => void errors.push(error)
  app.use(
    damson<Record<string, never>, Request>(client as never, { secrets: [SECRET], clock, onError, ...options.damson }),
  )
  options.routes?.(app, client)
  app.get('/', (_request, response) => void response.send('<h1>Shop</h1>'))
  const server = await listen(app)
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await client.close({ timeoutMs: 1 })
    if (options.engine === undefined) await engine.close()
  })
  return {
    client,
    clock,
    timers,
    engine,
    errors,
    server,
    async request(path, parts) {
      const reply = await send(server, path, parts)
      await Promise.all(closes.splice(0))
      return reply
    },
    async user(userId) {
      await client.flush()
      return factsOf(await engine.entries('app_test', userId))
    },
  }
}

async function listen(app: Express): Promise<Server> {
  const server = http.createServer(app as http.RequestListener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** Node's own `fetch` adds headers of a browser; this sends what it is told. */
export function send(
  server: Server,
  path: string,
  { method = 'GET', headers, body }: RequestParts = {},
): Promise<Reply> {
  const { port } = server.address() as AddressInfo
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => void chunks.push(chunk))
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

function factsOf(entries: Awaited<ReturnType<TestServer['entries']>>): UserFacts {
  const started = entries.filter((entry) => entry.kind === 'sessionStarted')
  const durations = entries.flatMap((entry) => (entry.kind === 'sessionEnded' ? [entry.durationMs] : []))
  return {
    sessions: started.length,
    durations,
    isOpen: started.length > durations.length,
    events: entries.flatMap((entry) => (entry.kind === 'event' ? [entry.name] : [])),
  }
}

const PAGE = {
  accept: 'text/html,*/*',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-site': 'none',
  'sec-fetch-dest': 'document',
}
const CALL = { accept: '*/*', 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'empty' }

/** A browser with a cookie jar: what a person does, in their words. */
export interface Browser {
  readonly cookies: ReadonlyMap<string, string>
  /** Signed in or out, as a header that the app believes. */
  user: string | null
  visit(path: string, headers?: Readonly<Record<string, string>>): Promise<Reply>
  /** What a script of the page fetches. */
  call(path: string, parts?: RequestParts): Promise<Reply>
  beacon(type: string): Promise<Reply>
  deviceId(): string
}

/** `appFor` says which app answers, request by request: a balancer, where there are several. */
export function browser(appFor: TestApp | (() => TestApp)): Browser {
  const cookies = new Map<string, string>()
  async function go(path: string, { headers = {}, ...parts }: RequestParts): Promise<Reply> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const own = { ...(cookie !== '' && { cookie }), ...(self.user !== null && { 'x-user': self.user }) }
    const app = typeof appFor === 'function' ? appFor() : appFor
    const reply = await app.request(path, { ...parts, headers: { ...own, ...headers } })
    for (const set of reply.headers['set-cookie'] ?? []) {
      const [name = '', value = ''] = (set.split(';')[0] ?? '').split('=')
      cookies.set(name, value)
    }
    return reply
  }
  const self: Browser = {
    cookies,
    user: null,
    visit: (path, headers) => go(path, { headers: { ...PAGE, ...headers } }),
    call: (path, { headers, ...parts } = {}) => go(path, { ...parts, headers: { ...CALL, ...headers } }),
    beacon: (type) => go('/damson/beacon', { method: 'POST', headers: CALL, body: JSON.stringify({ type }) }),
    deviceId() {
      const payload = cookies.get('__Host-damson')?.split('.')[1] ?? ''
      return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as [string])[0]
    },
  }
  return self
}
