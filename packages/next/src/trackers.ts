import type { Client, Tracker, TrackerOptions } from '@damson/core'
import { createVisitors, handOver, type HeaderReader, type Visitor, type Visitors } from '@damson/core/web'
import { after } from 'next/server.js'
import { isControlFlow } from './control-flow.ts'
import type { Settings } from './options.ts'
import { sharedClient } from './registry.ts'

/** By this request header the proxy tells a page who came; see `visitorOf`. */
export const VISITOR_HEADER = 'x-damson-visitor'
/** The visitor is the cookie's. A visitor without one yet comes as the cookie they are about to get. */
export const AS_IN_COOKIE = 'cookie'

/** How many sign-ins are remembered that no cookie tells of yet. */
const MAX_REMEMBERED = 1_000

/** What all entries share: who a request comes from, and a tracker for them. */
export interface Trackers<E extends object> {
  readonly settings: Settings<E>
  client(): Client<E>
  visitors(): Visitors
  /**
   * Who the proxy saw, by their signature: the proxy is never taken at its word. `null` for a request that did not pass it,
   * as prefetches should not.
   */
  visitorOf(headers: HeaderReader): Promise<Visitor | null>
  /**
   * What it sends, Next waits for: `after()`. `null` if nobody is known, or while Next builds. If a visitor turns out to be a
   * user, what they did so far is handed over first; of one who is `isNew` there is nothing to hand over.
   */
  tracker(headers: HeaderReader, visitor: Visitor | null, isNew?: boolean): Promise<Tracker<E> | null>
  /** Counts a page someone sees; without a page event it only keeps the session open. */
  pageView(tracker: Tracker<E> | null, path: string): Promise<void>
  /** Runs what must not harm the host: trouble goes to `onError`, and only what Next throws to steer goes on. */
  attempt<T>(work: () => T | Promise<T>): Promise<T | null>
}

export function createTrackers<E extends object>(settings: Settings<E>): Trackers<E> {
  const { client: source, secrets, cookie, identify, consent, pageEvent, onError } = settings
  let visitors: Visitors | null = null
  const handedOver = new Set<string>()

  const client = () => ('for' in source ? source : sharedClient(source))

  async function attempt<T>(work: () => T | Promise<T>): Promise<T | null> {
    try {
      return await work()
    } catch (error) {
      if (isControlFlow(error)) throw error
      onError(error)
      return null
    }
  }

  /** The cookie soon says that it is done; until then we remember, and forgetting costs a request. */
  async function handOverOnce({ deviceId }: Visitor, userId: string, options: TrackerOptions): Promise<void> {
    const key = `${deviceId} ${userId}`
    if (handedOver.has(key)) return
    handedOver.add(key)
    if (handedOver.size > MAX_REMEMBERED) handedOver.delete(handedOver.values().next().value as string)
    await handOver(client(), { deviceId }, userId, options)
  }

  const userOf = async (headers: HeaderReader) => (await attempt(() => identify({ headers }))) ?? undefined

  const trackers: Trackers<E> = {
    settings,
    client,
    // Made at first use: a build has no secrets, and needs none.
    visitors: () => (visitors ??= createVisitors({ secrets, cookie })),
    async visitorOf(headers) {
      const told = headers.get(VISITOR_HEADER)
      if (told === null) return null
      return trackers.visitors().read(told === AS_IN_COOKIE ? headers.get('cookie') : told)
    },
    async tracker(headers, visitor, isNew = false) {
      if (isBuilding()) return null
      const userId = await userOf(headers)
      if (userId === undefined && visitor === null) return null
      const agreed = consent?.({ headers })
      const options = {
        userAgent: headers.get('user-agent') ?? undefined,
        waitUntil: keepAlive,
        ...(agreed !== undefined && { consent: agreed }),
      }
      const tracker = client().for({ userId, deviceId: visitor?.deviceId }, options)
      const isToHandOver = !isNew && visitor !== null && visitor.hasSignedIn !== true
      if (isToHandOver && tracker.userId !== undefined) await handOverOnce(visitor, tracker.userId, options)
      return tracker
    },
    async pageView(tracker, path) {
      if (tracker === null) return
      const resumed = tracker.ensureSession({ resume: true, urgent: true })
      // The page event need not be in the user's contract; if there is one, the client checks it as any other. What is said in
      // one turn travels together.
      const tracked = pageEvent === false ? undefined : (tracker as unknown as Tracker).track(pageEvent, { path })
      await Promise.all([resumed, tracked])
    },
    attempt,
  }
  return trackers
}

/** Asks Next to wait for work that goes on after the response, which on a function's platform would otherwise be cut off. */
export function keepAlive(work: Promise<unknown>): void {
  try {
    after(work)
  } catch (error) {
    if (isControlFlow(error)) throw error
    // Outside of a request there is nothing to keep alive: the work goes on all the same.
  }
}

/** Next runs pages and routes once while it builds. Nobody is visiting. */
function isBuilding(): boolean {
  const { process } = globalThis as { process?: { env?: Readonly<Record<string, string | undefined>> } }
  return process?.env?.['NEXT_PHASE'] === 'phase-production-build'
}
