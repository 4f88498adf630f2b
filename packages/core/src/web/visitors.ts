import { systemClock, type Clock, type EpochMs } from '../clock.ts'
import { cookieShape, cookieValues, setCookie, type Cookie, type CookieOptions } from './cookie.ts'
import { createKeyRing, fromBase64Url, toBase64Url } from './signing.ts'

/** Who a browser is to us: a random id, and nothing about the person. */
export interface Visitor {
  readonly deviceId: string
  readonly sessionId?: string
  readonly issuedAt: EpochMs
  /** Somebody has signed in on this device, and what was anonymous has been handed over to them. */
  readonly hasSignedIn?: boolean
}

export interface VisitorOptions {
  /** Newest first: it signs; the others are still accepted, and replaced at the next renewal. */
  readonly secrets: readonly string[]
  readonly cookie?: CookieOptions | undefined
  readonly clock?: Clock | undefined
}

/** Visitors, kept in a signed cookie. */
export interface Visitors {
  /** The name of the cookie, prefix included. */
  readonly cookieName: string
  /** The visitor of a `Cookie` header; `null` if there is none, or none of ours: then `issue` another. Never rejects. */
  read(cookieHeader: string | null | undefined): Promise<Visitor | null>
  /** The same at once, of a cookie that was verified lately; `null` if it has to be `read`. */
  recall(cookieHeader: string | null | undefined): Visitor | null
  issue(): Visitor
  /** The same visitor to be written anew, if the cookie came of age or was signed with an older secret; else `null`. */
  renew(visitor: Visitor): Visitor | null
  /** The whole `Set-Cookie` header. */
  cookieFor(visitor: Visitor): Promise<string>
  /** The same for a framework that writes the header itself. */
  cookieOf(visitor: Visitor): Promise<Cookie>
}

/** Signed with the value, so that a secret used for other cookies too can never make one pass for ours. */
const PURPOSE = 'damson-visitor'
const VERSION = '1'
const MAX_VALUE_LENGTH = 1_024
/** How many verified cookies are remembered; forgetting one costs a signature, some tens of microseconds. */
const CACHE_SIZE = 1_000
/** Of several cookies of our name, how many are looked at. */
const MAX_CANDIDATES = 3
/** A visitor who comes at least once in three quarters of the cookie's life keeps it for ever. */
const RENEWALS_PER_LIFE = 4

/** @throws {DamsonError} SECRET_INVALID, COOKIE_INVALID */
export function createVisitors({ secrets, cookie, clock = systemClock }: VisitorOptions): Visitors {
  const ring = createKeyRing(secrets)
  const shape = cookieShape(cookie)
  const verified = new Map<string, Visitor>()
  const signedByOlder = new WeakSet<Visitor>()

  const isOver = (visitor: Visitor): boolean => clock.now() - visitor.issuedAt >= shape.maxAgeMs

  async function read(header: string): Promise<Visitor | null> {
    for (const value of cookieValues(header, shape.name).slice(0, MAX_CANDIDATES)) {
      const visitor = verified.get(value) ?? (await verify(value))
      if (visitor !== null && !isOver(visitor)) return visitor
    }
    return null
  }

  async function cookieOf(visitor: Visitor): Promise<Cookie> {
    const payload = encode(visitor)
    return shape.of(`${VERSION}.${payload}.${await ring.sign(signedText(payload))}`)
  }

  async function verify(value: string): Promise<Visitor | null> {
    if (value.length > MAX_VALUE_LENGTH) return null
    const [version, payload = '', signature = '', ...rest] = value.split('.')
    if (version !== VERSION || rest.length > 0) return null
    const place = await ring.verify(signedText(payload), signature)
    const visitor = place < 0 ? null : decode(payload)
    if (visitor === null) return null
    if (place > 0) signedByOlder.add(visitor)
    // Only what proved true is kept: whoever sends rubbish pushes nobody out.
    verified.set(value, visitor)
    // The one verified longest ago. To find one writes nothing: keeping them in order of use would cost every request.
    if (verified.size > CACHE_SIZE) verified.delete(verified.keys().next().value as string)
    return visitor
  }

  return {
    cookieName: shape.name,
    read: async (header) => (header === null || header === undefined ? null : read(header)),
    recall(header) {
      // Of several, the first may still turn out to be true.
      const [value, other] = header === null || header === undefined ? [] : cookieValues(header, shape.name)
      const visitor = value === undefined || other !== undefined ? undefined : verified.get(value)
      return visitor === undefined || isOver(visitor) ? null : visitor
    },
    issue: () => ({ deviceId: crypto.randomUUID(), issuedAt: clock.now() }),
    renew(visitor) {
      const isDue = clock.now() - visitor.issuedAt >= shape.maxAgeMs / RENEWALS_PER_LIFE
      return isDue || signedByOlder.has(visitor) ? { ...visitor, issuedAt: clock.now() } : null
    },
    cookieFor: async (visitor) => setCookie(await cookieOf(visitor)),
    cookieOf,
  }
}

function signedText(payload: string): string {
  return `${PURPOSE}.${VERSION}.${payload}`
}

function encode({ deviceId, issuedAt, sessionId = '', hasSignedIn = false }: Visitor): string {
  const fields = [deviceId, issuedAt, sessionId, hasSignedIn ? 1 : 0]
  return toBase64Url(new TextEncoder().encode(JSON.stringify(fields)))
}

/** Called on what we signed; checked all the same, since another version of ours may have. */
function decode(payload: string): Visitor | null {
  const bytes = fromBase64Url(payload)
  if (bytes === null) return null
  const fields = parse(new TextDecoder().decode(bytes))
  if (!Array.isArray(fields)) return null
  const [deviceId, issuedAt, sessionId, hasSignedIn] = fields as readonly unknown[]
  if (typeof deviceId !== 'string' || deviceId === '' || typeof issuedAt !== 'number') return null
  return {
    deviceId,
    issuedAt,
    ...(typeof sessionId === 'string' && sessionId !== '' && { sessionId }),
    ...(hasSignedIn === 1 && { hasSignedIn: true }),
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
