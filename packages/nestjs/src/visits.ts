import type { Client, Consent, Identity } from '@damson/core'
import { isSameOrigin, type Visitor, type Visitors } from '@damson/core/web'
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

/** What is known of one request: resolvers of one GraphQL query come several at a time, and share one cookie. */
interface Known {
  readonly visitor: Promise<Visitor | null>
  readonly user: unknown
  readonly visit: Promise<Visit>
}

export function createVisits(options: VisitsOptions): Visits {
  const { name, client, visitors, onError, identify = signedIn } = options
  const known = new WeakMap<object, Known>()
  const nobody: Visit = { tracker: null, onError }

  async function arrive(carrier: Carrier): Promise<Visit> {
    try {
      if (options.ignore?.(carrier)) return nobody
      const consent = options.consent?.(carrier)
      // A connection lives long and may sign in meanwhile: whose it is, is asked with each message.
      if (carrier.request === null || carrier.kind === 'ws')
        return await meet(carrier, consent, visitorOf(carrier, consent))
      const earlier = known.get(carrier.request)
      if (earlier !== undefined && earlier.user === carrier.user) return await earlier.visit
      const visitor = earlier?.visitor ?? visitorOf(carrier, consent)
      const visit = meet(carrier, consent, visitor)
      known.set(carrier.request, { visitor, user: carrier.user, visit })
      keepVisit(carrier.request, name, await visit)
      return await visit
    } catch (error) {
      onError(error)
      return nobody
    }
  }

  async function meet(carrier: Carrier, consent: Consent | undefined, visitor: Promise<Visitor | null>) {
    const device = await visitor
    const identity = withDevice(await identify(carrier), device?.deviceId)
    if (identity === null) return nobody
    const userAgent = carrier.headers.get('user-agent') ?? undefined
    const tracker = client.for(identity, consent === undefined ? { userAgent } : { userAgent, consent })
    // Going to a page is being there, and told at once, as the page's beacon may come to another process in a moment. What a
    // page fetches may come from one that is hidden.
    const resume = carrier.headers.get('sec-fetch-mode') === 'navigate'
    if (!carrier.isQuiet) tracker.ensureSession({ resume, urgent: resume }).catch(onError)
    return { tracker, onError }
  }

  async function visitorOf(carrier: Carrier, consent: Consent | undefined): Promise<Visitor | null> {
    const { kind, headers, response } = carrier
    if (visitors === null || kind === 'rpc') return null
    const visitor = await visitors.read(headers.get('cookie'))
    // Any page may open a WebSocket to us, and browsers that know no SameSite send our cookie along.
    if (kind === 'ws') return isSameOrigin({ headers }) ? visitor : null
    const fresh = visitor === null ? visitors.issue() : visitors.renew(visitor)
    if (fresh === null || consent === 'denied' || carrier.isQuiet) return visitor
    return addCookie(response, await visitors.cookieFor(fresh)) ? fresh : visitor
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
