import type { EpochMs } from '@damson/core'
import { ACTIONS, isActionName } from '@damson/core/protocol'
import { type FakeClock, fakeClock } from '@damson/core/testing'
import type { Entry } from '../engine/entries.ts'
import type { Fetch } from '../http/fetch.ts'
import type { NewApp } from '../new-app.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { createServer, type Server } from '../server.ts'
import { createMoney } from '../services/money.ts'
import { fixedRates } from '../services/rates.ts'
import { memoryStore } from '../store/memory.ts'
import type { JobOptions } from '../jobs/jobs.ts'
import type { BucketService } from '../services/bucket.ts'
import type { Senders } from '../senders/senders.ts'
import type { MessagingSettings } from '../senders/settings.ts'
import type { Dial } from '../services/dial.ts'
import type { Egress } from '../services/egress.ts'
import { type Files, memoryFiles } from '../store/files.ts'
import type { Store } from '../store/store.ts'

export interface TestServerOptions {
  /** Where the clock stands at first; it moves only when it is told. */
  readonly now?: EpochMs
  /** Without any, one app `app_test` with the keys `prod_test`, `dev_test`, `export_test` and `content_test`. */
  readonly apps?: readonly NewApp[]
  /** Exchange rates: how much of each currency one unit of the base buys. */
  readonly rates?: { readonly base: string; readonly rates: Readonly<Record<string, number>> }
  /** A store of its own in memory if none is given. */
  readonly store?: Store
  /** In memory if none is given. */
  readonly files?: Files
  /** Where postbacks, hooks and callbacks go to; without one, to the world. Nothing is sent but by `dispatch` and `work`. */
  readonly egress?: Egress
  /** Without any, nothing is signed. */
  readonly masterKeys?: readonly string[]
  /** Where mail goes to; without one, to public addresses. */
  readonly dial?: Dial
  /** How each app reaches people, by its id. */
  readonly messaging?: Readonly<Record<string, MessagingSettings>>
  /** Ways to people in the place of the real ones. */
  readonly senders?: Senders
  /** Where callers reach the server; without it, what they wrote. */
  readonly publicUrl?: string
  /** Two hours if absent, as with any server. */
  readonly exportAvailabilitySeconds?: number
  readonly jobs?: JobOptions
  /** Where copies of exports go; without it, to Amazon's S3. */
  readonly bucketService?: BucketService
  /** Without one, nothing is logged. */
  readonly logger?: Logger
}

/** One element of an answer, with the HTTP status of the whole. */
export interface Element extends Readonly<Record<string, unknown>> {
  readonly httpStatus: number
}

/** The real engine in this process, on a clock held in the hand; nothing is faked but time. */
export interface TestServer {
  readonly fetch: Fetch
  readonly clock: FakeClock
  readonly server: Server
  readonly store: Store
  readonly files: Files
  /** Ends what is overdue at the clock's instant, as the server's timer would. */
  sweep(): Promise<number>
  /** Carries out the jobs that are due, as the server's timer would. */
  work(): Promise<void>
  /** Sends what is due at the clock's instant, as the server's timer would. */
  dispatch(): Promise<number>
  /** Sends one action to the first app, with a key that may call it unless `args` has one; gives back its element. */
  call(action: string, args?: Readonly<Record<string, unknown>>): Promise<Element>
  /** A user's history, in the order it was written. */
  entries(appId: string, userId: string): Promise<readonly Entry[]>
  close(): Promise<void>
}

export const TEST_APP: NewApp = {
  appId: 'app_test',
  name: 'Test',
  keys: {
    production: ['prod_test'],
    development: ['dev_test'],
    dataExport: ['export_test'],
    contentReadOnly: ['content_test'],
  },
}

export async function createTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { apps = [TEST_APP], store = memoryStore(), rates } = options
  const clock = fakeClock(options.now)
  const money = rates && createMoney({ provider: fixedRates(rates), clock, logger: silentLogger })
  await money?.refresh()
  const { now: _, apps: __, store: ___, rates: ____, ...others } = options
  const files = options.files ?? memoryFiles()
  const server = createServer({ ...others, files, store, apps, clock, ...(money && { money }) })
  return {
    fetch: server.fetch,
    clock,
    server,
    store,
    files,
    sweep: () => server.sweep(),
    work: () => server.work(),
    dispatch: () => server.dispatch(),
    call: async (action, args = {}) => {
      const body = JSON.stringify({ appId: apps[0]?.appId, clientKey: keyFor(action, apps[0]), ...args, action })
      const response = await server.fetch(new Request('http://test/api', { method: 'POST', body }))
      const envelope = (await response.json()) as { response: Record<string, unknown>[] }
      return { httpStatus: response.status, ...envelope.response[0] }
    },
    entries: async (appId, userId) => {
      const entries: Entry[] = []
      for await (const { entry } of store.entries({ appId, userId })) entries.push(entry)
      return entries
    },
    close: () => server.stop(),
  }
}

function keyFor(action: string, app: NewApp | undefined): string | undefined {
  const row = isActionName(action) ? ACTIONS[action] : undefined
  // The development key may do what the production key may, and more (specification 3.1).
  const classes = row?.keys.includes('development') ? (['development', ...row.keys] as const) : (row?.keys ?? [])
  return classes.map((keyClass) => app?.keys[keyClass]?.[0]).find((key) => key !== undefined)
}
