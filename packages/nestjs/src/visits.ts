import type { Client, Consent, Identity, Tracker, TrackerOptions } from '@damson/core'
import { handOver, isSameOrigin, type Visitor, type Visitors } from '@damson/core/web'
import { type Carrier, fieldsOf } from './carrier.ts'
import type { AdapterOptions, Identified } from './options.ts'
import { keepVisit, type Visit } from './scope.ts'

/** Finds out whom an execution concerns, and tells the session that somebody is here. */
export interface Visits {
  /** Never rejects: trouble goes to `onError`, and the visit is nobody's. */
  arrive(carrier: Carrier): Promise<Visit>
}

export interface VisitsOptions extends Pick<AdapterOptions, 'identify' | 'ignore' | 'consent'> {
  readonly name: string
  readonly client: Client
  readonly visitors: Visitors | null
  readonly onError: (error: unknown) => void
}

/** Whose browser it is. One that is new has done nothing yet. */
interface Browser {
  readonly visitor: Visitor | null
  readonly isNew: boolean
}

/** What is known of one request: resolvers of one GraphQL query come several at a time, and share one cookie. */
interface Known {
  readonly browser: Promise<Browser>
  readonly user: unknown
  readonly visit: Promise<Visit>
}

/** How many sign-ins are remembered that no cookie tells of yet. */
const MAX_REMEMBERED = 1_000

export function createVisits(options: VisitsOptions): Visits {
  const { name, client, visitors, onError, identify = signedIn } = options
  const known = new WeakMap<object, Known>()
  const handedOver = new Set<string>()
  const nobody: Visit = { tracker: null, onError, leave: async () => undefined }

  async function arrive(carrier: Carrier): Promise<Visit> {
    try {
      if (options.ignore?.(carrier)) return nobody
      const consent = options.consent?.(carrier)
      // A connection lives long and may sign in meanwhile: whose it is, is asked with each message.
      if (carrier.request === null || carrier.kind === 'ws')
        return await meet(carrier, consent, browserOf(carrier, consent))
      const earlier = known.get(carrier.request)
      if (earlier !== undefined && earlier.user === carrier.user) return await earlier.visit
      const browser = earlier?.browser ?? browserOf(carrier, consent)
      const visit = meet(carrier, consent, browser, earlier !== undefined)
      known.set(carrier.request, { browser, user: carrier.user, visit })
      keepVisit(carrier.request, name, await visit)
      return await visit
    } catch (error) {
      onError(error)
      return nobody
    }
  }

  async function meet(
    carrier: Carrier,
    consent: Consent | undefined,
    found: Promise<Browser>,
    wasMet = false,
  ): Promise<Visit> {
    const { visitor, isNew } = await found
    const identity = withDevice(await identify(carrier), visitor?.deviceId)
    if (identity === null) return nobody
    const userAgent = carrier.headers.get('user-agent') ?? undefined
    const options = consent === undefined ? { userAgent } : { userAgent, consent }
    const tracker = client.for(identity, options)
    const isToHandOver = visitor !== null && visitor.deviceId === tracker.deviceId && visitor.hasSignedIn !== true
    if (isToHandOver && tracker.userId !== undefined && (!isNew || wasMet)) {
      await handOverOnce(visitor, tracker.userId, options)
      if (!isNew) await keepSignedIn(carrier, consent, visitor)
    }
    // Going to a page is being there, and told at once, as the page's beacon may come to another process in a moment. What a
    // page fetches may come from one that is hidden.
    const resume = carrier.headers.get('sec-fetch-mode') === 'navigate'
    if (!carrier.isQuiet) tracker.ensureSession({ resume, urgent: resume }).catch(onError)
    return { tracker, onError, leave: () => leave(carrier, tracker, visitor) }
  }

  /** A device that is signed out is a stranger's: whoever comes next may be somebody else. */
  async function leave({ response }: Carrier, tracker: Tracker, visitor: Visitor | null): Promise<void> {
    try {
      await tracker.stop({ urgent: true })
      if (visitors !== null && visitor !== null) addCookie(response, await visitors.cookieFor(visitors.issue()))
    } catch (error) {
      onError(error)
    }
  }

  /** What a visitor did before they signed in becomes the user's. The cookie soon says that it is done; until then we do. */
  async function handOverOnce({ deviceId }: Visitor, userId: string, options: TrackerOptions): Promise<void> {
    const key = `${deviceId} ${userId}`
    if (handedOver.has(key)) return
    handedOver.add(key)
    if (handedOver.size > MAX_REMEMBERED) handedOver.delete(handedOver.values().next().value as string)
    await handOver(client, { deviceId }, userId, options).catch(onError)
  }

  async function keepSignedIn({ kind, response, isQuiet }: Carrier, consent: Consent | undefined, visitor: Visitor) {
    if (visitors === null || kind === 'ws' || isQuiet || consent === 'denied') return
    addCookie(response, await visitors.cookieFor({ ...visitor, hasSignedIn: true }))
  }

  async function browserOf(carrier: Carrier, consent: Consent | undefined): Promise<Browser> {
    const { kind, headers, response } = carrier
    if (visitors === null || kind === 'rpc') return { visitor: null, isNew: false }
    const visitor = await visitors.read(headers.get('cookie'))
    // Any page may open a WebSocket to us, and browsers that know no SameSite send our cookie along.
    if (kind === 'ws') return { visitor: isSameOrigin({ headers }) ? visitor : null, isNew: false }
    const fresh = visitor === null ? visitors.issue() : visitors.renew(visitor)
    if (fresh === null || consent === 'denied' || carrier.isQuiet) return { visitor, isNew: false }
    const isSet = addCookie(response, await visitors.cookieFor(fresh))
    return { visitor: isSet ? fresh : visitor, isNew: isSet && visitor === null }
  }

  return { arrive }
}

/** Where Nest's guides and Passport leave who is signed in. */
function signedIn({ user }: Carrier): string | null {
  const { id, userId, sub } = fieldsOf(user)
  const found = id ?? userId ?? sub
  return typeof found === 'string' || typeof found === 'number' ? String(found) : null
}

function withDevice(identified: Identified, visitorId: string | undefined): Identity | null {
  const given = typeof identified === 'string' ? { userId: identified } : (identified ?? {})
  const identity = { userId: given.userId || undefined, deviceId: given.deviceId || visitorId }
  return identity.userId === undefined && identity.deviceId === undefined ? null : identity
}

/** @returns whether it could be set; what is sent cannot be added to. */
function addCookie(response: unknown, cookie: string): boolean {
  const target = response as {
    readonly headersSent?: boolean
    readonly sent?: boolean
    appendHeader?(name: string, value: string): unknown
    header?(name: string, value: string): unknown
  } | null
  if (!target || target.headersSent === true || target.sent === true) return false
  if (typeof target.appendHeader === 'function') target.appendHeader('set-cookie', cookie)
  // A reply of Fastify: it adds to the cookies that are set already.
  else if (typeof target.header === 'function') target.header('set-cookie', cookie)
  else return false
  return true
}
