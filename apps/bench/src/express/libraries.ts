import { createClient } from '@damson/core'
import { damson, getTracker } from '@damson/express'
import type { Express, Request } from 'express'

/** One library in an Express app, the way its own documentation mounts it. */
export interface Mounted {
  /** In a route: one event of the request's user. */
  track(request: Request, item: string): void
  /** Resolves when the library says that everything was delivered. */
  flush(): Promise<unknown>
}

export interface MountOptions {
  /** Where everything is sent. */
  readonly origin: string
  /** Room for everything that is tracked, so that none saves work by dropping; else what the library has by default. */
  readonly hasRoom: boolean
}

const EVENT = 'bench-event'
/** Of the signed-in user; all targets are sent the same headers. */
const userOf = ({ headers }: Request) => String(headers['x-user'])
const ROOM = 1_000_000
const FLUSH_MS = 30_000

/** Each loads its own library only. */
export const LIBRARIES = {
  bare: async () => ({ track: () => undefined, flush: async () => undefined }),

  '@damson/express': async (app, { origin, hasRoom }) => {
    const room = hasRoom && { maxQueue: ROOM, maxQueueBytes: 2 ** 40 }
    const client = createClient({ appId: 'app', clientKey: 'key', endpoint: `${origin}/damson`, ...room })
    app.use(damson(client, { secrets: ['a secret of thirty-two characters'], identify: userOf }))
    return {
      track: (request, item) => void getTracker(request).track(EVENT, { item }),
      flush: () => client.flush({ timeoutMs: hasRoom ? FLUSH_MS : 1_000 }),
    }
  },

  'posthog-node': async (app, { origin, hasRoom }) => {
    const { PostHog, setupExpressRequestContext } = await import('posthog-node')
    const client = new PostHog('key', { host: `${origin}/posthog`, ...(hasRoom && { maxQueueSize: ROOM }) })
    setupExpressRequestContext(client, app)
    return {
      track: (request, item) => client.capture({ distinctId: userOf(request), event: EVENT, properties: { item } }),
      flush: () => client.flush(),
    }
  },

  '@segment/analytics-node': async (_app, { origin }) => {
    const { Analytics } = await import('@segment/analytics-node')
    const client = new Analytics({ writeKey: 'key', host: origin, path: '/segment' })
    let pending = 0
    return {
      track(request, item) {
        pending += 1
        client.track({ userId: userOf(request), event: EVENT, properties: { item } }, () => (pending -= 1))
      },
      async flush() {
        while (pending > 0) await new Promise((resolve) => setTimeout(resolve, 10))
      },
    }
  },

  // Its package for Express is not on the registry under any version; what it does is this: a new object for each request.
  '@openpanel/sdk': async (app, { origin }) => {
    const { OpenPanel } = await import('@openpanel/sdk')
    const clients = new WeakMap<Request, InstanceType<typeof OpenPanel>>()
    const sent = new Set<Promise<unknown>>()
    app.use((request, _response, next) => {
      const client = new OpenPanel({ clientId: 'id', clientSecret: 'secret', apiUrl: `${origin}/openpanel` })
      client.api.addHeader('user-agent', String(request.headers['user-agent']))
      clients.set(request, client)
      next()
    })
    return {
      track(request, item) {
        const done = Promise.resolve(clients.get(request)?.track(EVENT, { item, profileId: userOf(request) }))
        sent.add(done)
        void done.finally(() => sent.delete(done))
      },
      flush: () => Promise.all(sent),
    }
  },
} satisfies Readonly<Record<string, (app: Express, options: MountOptions) => Promise<Mounted>>>

export type LibraryName = keyof typeof LIBRARIES
