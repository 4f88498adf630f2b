import { createClient, type Client, type ClientOptions, type FetchLike } from '@damson/core'
import { createServer, memoryStore, type NewApp, type Server } from '@damson/server'
import { sqliteStore } from '@damson/server/sqlite'
import { randomBytes } from 'node:crypto'
import { CURRENCY } from './catalogue.ts'

/** What the panel shows of a user. */
export interface Facts {
  readonly sessions: number
  readonly spent: number
  readonly events: readonly { readonly name: string; readonly count: number }[]
}

export interface Analytics {
  readonly client: Client
  /** The engine in this process; `null` where another server answers. */
  readonly server: Server | null
  /** `null` where it would need a key that a shop should not have. */
  facts(userId: string): Promise<Facts | null>
}

export interface Settings {
  /** With these three, a server somewhere else. */
  readonly endpoint: string | undefined
  readonly appId: string | undefined
  readonly clientKey: string | undefined
  /** A file to keep everything in; else it is gone with the process. */
  readonly file: string | undefined
}

export async function createAnalytics({ endpoint, appId, clientKey, file }: Settings): Promise<Analytics> {
  if (endpoint !== undefined) {
    const client = createClient({ endpoint, appId: appId ?? '', clientKey: clientKey ?? '', flushIntervalMs: 500 })
    return { client, server: null, facts: async () => null }
  }
  const app = newApp()
  const server = createServer({ store: file === undefined ? memoryStore() : await sqliteStore({ file }), apps: [app] })
  await server.start()
  return embedded(server, app)
}

/** The engine beside the shop: the client's requests never leave the process. */
export function embedded(
  server: Server | { readonly fetch: FetchLike },
  app: NewApp,
  options: Partial<ClientOptions> = {},
): Analytics {
  const { appId, keys } = app
  const clientKey = keys.production?.[0] ?? ''
  const client = createClient({ appId, clientKey, fetch: server.fetch, flushIntervalMs: 500, ...options })
  return {
    client,
    server: 'engine' in server ? server : null,
    async facts(userId) {
      await client.flush({ timeoutMs: 1_000 })
      const query = new URLSearchParams({ action: 'exportUser', appId, clientKey: keys.dataExport?.[0] ?? '', userId })
      const answer = await server.fetch(new Request(`http://shop.invalid/api?${query}`))
      const { response } = (await answer.json()) as { response: readonly ExportedUser[] }
      return factsOf(response[0] ?? {})
    },
  }
}

interface ExportedUser {
  readonly totalSessions?: number
  readonly events?: Readonly<Record<string, { readonly count: number; readonly value?: number }>>
}

function factsOf({ totalSessions = 0, events = {} }: ExportedUser): Facts {
  return {
    sessions: totalSessions,
    spent: events['Purchase']?.value ?? 0,
    events: Object.entries(events).map(([name, { count }]) => ({ name, count })),
  }
}

/** Keys that live as long as the process: nobody else has to know them. */
function newApp(): NewApp {
  const key = () => randomBytes(32).toString('base64url')
  const keys = { production: [key()], development: [key()], dataExport: [key()] }
  return { appId: 'app_shop', name: 'The damson shop', keys, settings: { preferredCurrency: CURRENCY } }
}
