import { createServer, memoryStore } from '@damson/server'
import { listen } from '@damson/server/node'

const APP = { appId: 'app_test', clientKey: 'prod_test' }

/** The events of one person, in the order they were written: `[name, params, value]`. */
export type Told = readonly [string, Readonly<Record<string, unknown>>?, number?]

export interface TestEngine {
  readonly env: Readonly<Record<string, string>>
  events(userId: string): Promise<readonly Told[]>
  /** What happened to the sessions: `sessionStarted`, `sessionPaused` … */
  sessions(userId: string): Promise<readonly string[]>
  users(): Promise<readonly string[]>
  stop(): Promise<void>
}

/** For the app under test: where to send, and as whom. */
export function envOf(endpoint: string): Readonly<Record<string, string>> {
  return {
    DAMSON_ENDPOINT: endpoint,
    DAMSON_APP_ID: APP.appId,
    DAMSON_CLIENT_KEY: APP.clientKey,
    DAMSON_SECRET: 'a secret of thirty-two characters',
  }
}

/** The real server, in the test's process and on a port, so that what arrived can be looked at. */
export async function startEngine(): Promise<TestEngine> {
  const store = memoryStore()
  const app = { appId: APP.appId, name: 'Test', keys: { production: [APP.clientKey] } }
  const server = createServer({ store, apps: [{ ...app, settings: { preferredCurrency: 'EUR' } }] })
  const listening = await listen({ server, host: '127.0.0.1', port: 0 })

  async function entries(userId: string) {
    const found = []
    for await (const { entry } of store.entries({ appId: APP.appId, userId })) found.push(entry)
    return found
  }

  return {
    env: envOf(listening.url),
    async events(userId) {
      const told = await entries(userId)
      return told.flatMap((entry): Told[] => {
        if (entry.kind !== 'event') return []
        const { name, params = {}, value } = entry
        return [value === undefined || value === 0 ? [name, params] : [name, params, value]]
      })
    },
    async sessions(userId) {
      const told = await entries(userId)
      return told.map((entry) => entry.kind).filter((kind) => kind.startsWith('session'))
    },
    async users() {
      const found = []
      for await (const profile of store.profiles(APP.appId)) found.push(profile.userId)
      return found
    },
    stop: () => listening.stop(),
  }
}
