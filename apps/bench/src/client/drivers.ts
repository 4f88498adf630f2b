/** One library, driven the way its own documentation says. */
export interface Driver {
  track(index: number): void
  /** Resolves when the library says that everything was delivered. */
  end(): Promise<unknown>
}

export interface DriverOptions {
  readonly origin: string
  /** Nothing may be sent: the queue itself is measured. */
  readonly isQueueOnly: boolean
}

/** What each event carries; made anew per call, as an app would. */
const properties = (index: number) => ({ item: 'tea', price: 3.5, index })
const EVENT = 'bench-event'
const USER = 'user-1'

/** Room for everything that is tracked, so that none of them saves work by dropping. */
const ROOM = 1_000_000
const NEVER_MS = 2 ** 30

/** Each loads its own library only: what another one leaves in memory or does at start is not its fault. */
export const DRIVERS: Readonly<Record<string, (options: DriverOptions) => Promise<Driver>>> = {
  '@damson/core': async ({ origin, isQueueOnly }) => {
    const { createClient } = await import('@damson/core')
    const wait = isQueueOnly ? { flushAt: ROOM, flushBytes: 2 ** 40, flushIntervalMs: NEVER_MS } : {}
    const room = { maxQueue: ROOM, maxQueueBytes: 2 ** 40 }
    const client = createClient({ appId: 'app', clientKey: 'key', endpoint: `${origin}/damson`, ...room, ...wait })
    const tracker = client.for({ userId: USER })
    return {
      track: (index) => void tracker.track(EVENT, properties(index)),
      end: () => client.close({ timeoutMs: 60_000 }),
    }
  },
  'posthog-node': async ({ origin, isQueueOnly }) => {
    const { PostHog } = await import('posthog-node')
    const wait = isQueueOnly ? { flushAt: ROOM, flushInterval: NEVER_MS } : {}
    const client = new PostHog('key', { host: `${origin}/posthog`, maxQueueSize: ROOM, ...wait })
    return {
      track: (index) => client.capture({ distinctId: USER, event: EVENT, properties: properties(index) }),
      end: () => client.shutdown(60_000),
    }
  },
  '@segment/analytics-node': async ({ origin, isQueueOnly }) => {
    const { Analytics: Segment } = await import('@segment/analytics-node')
    const wait = isQueueOnly ? { maxEventsInBatch: ROOM, flushInterval: NEVER_MS } : {}
    const client = new Segment({ writeKey: 'key', host: origin, path: '/segment', ...wait })
    return {
      track: (index) => client.track({ userId: USER, event: EVENT, properties: properties(index) }),
      end: () => client.closeAndFlush({ timeout: 60_000 }),
    }
  },
  '@amplitude/analytics-node': async ({ origin, isQueueOnly }) => {
    const amplitude = await import('@amplitude/analytics-node')
    const wait = isQueueOnly ? { flushQueueSize: ROOM, flushIntervalMillis: NEVER_MS } : {}
    const options = { serverUrl: `${origin}/amplitude`, logLevel: 0, ...wait }
    const ready = amplitude.init('key', options).promise
    return {
      track: (index) => void amplitude.track(EVENT, properties(index), { user_id: USER }),
      end: async () => {
        await ready
        await amplitude.flush().promise
      },
    }
  },
  '@rudderstack/rudder-sdk-node': async ({ origin }) => {
    const { default: RudderStack } = await import('@rudderstack/rudder-sdk-node')
    // It measures its whole queue at each call: more room would make each call slower, not fewer of them.
    const client = new RudderStack('key', { dataPlaneUrl: `${origin}/rudder` })
    let pending = 0
    return {
      track(index) {
        pending += 1
        client.track({ userId: USER, event: EVENT, properties: properties(index) }, () => (pending -= 1))
      },
      // One flush sends one batch.
      async end() {
        while (pending > 0) {
          await client.flush()
          await new Promise((resolve) => setImmediate(resolve))
        }
      },
    }
  },
  mixpanel: async ({ origin }) => {
    const { default: mixpanel } = await import('mixpanel')
    const client = mixpanel.init('key', { host: new URL(origin).host, protocol: 'http', path: '/mixpanel' })
    const sent: Promise<void>[] = []
    return {
      // It has no queue: each call is a request.
      track(index) {
        sent.push(
          new Promise((resolve, reject) => {
            const done = (error?: Error) => (error === undefined || error === null ? resolve() : reject(error))
            client.track(EVENT, { distinct_id: USER, ...properties(index) }, done)
          }),
        )
      },
      end: () => Promise.all(sent),
    }
  },
}
