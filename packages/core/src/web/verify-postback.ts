import { type Clock, type EpochMs, MINUTE_MS, SECOND_MS, systemClock } from '../clock.ts'
import { DamsonError } from '../errors.ts'
import { type HeaderSource, headersOf } from './headers.ts'
import { bodyText, type BodySource } from './body-text.ts'

/** A request as `fetch` platforms, Express, Fastify, Nest and Next hand it over. */
export interface PostbackRequest extends BodySource {
  readonly headers: HeaderSource
}

/** A postback or hook that came from the server whose secret we know. */
export interface Postback {
  /** The same for every try: whoever notes it does nothing twice. */
  readonly id: string
  /** `message.event`, `ab_test.entered`, `session.started`, `session.ended` or `event.tracked`. */
  readonly type: string
  /** When it happened. */
  readonly at: EpochMs
  readonly data: Readonly<Record<string, unknown>>
}

export interface VerifyOptions {
  /** What `addPostback` and `damson hooks add` showed; of several rules, or while one is being replaced, all of them. */
  readonly secrets: readonly string[]
  /** How old a try may be, and how far ahead its clock. Without it, five minutes. */
  readonly toleranceMs?: number
  readonly clock?: Clock
}

/** Nobody signs with more keys than this; a header that says so is meant to keep us busy. */
const SIGNATURES_MAX = 16

/**
 * Verifies that a request is one of the server's (https://www.standardwebhooks.com) and reads it. The body may be unread,
 * text, bytes, or JSON that a parser has read already. Believe what it resolves with, and not the URL: the signature covers
 * the body.
 * @throws {DamsonError} POSTBACK_REFUSED: not signed, signed by somebody else, changed on the way, or repeated much later
 * @throws {DamsonError} SECRET_INVALID: a secret that is none
 */
export async function verifyPostback(request: PostbackRequest, options: VerifyOptions): Promise<Postback> {
  const { secrets, toleranceMs = 5 * MINUTE_MS, clock = systemClock } = options
  const keys = await Promise.all(secrets.map(keyOf))
  if (keys.length === 0) throw invalidSecret()
  const headers = headersOf(request.headers)
  const id = headers.get('webhook-id')
  const timestamp = headers.get('webhook-timestamp')
  const signatures = headers.get('webhook-signature')
  if (!id || !timestamp || !signatures)
    throw refused('the headers webhook-id, webhook-timestamp and webhook-signature', 'not all of them')
  const ageMs = clock.now() - Number(timestamp) * SECOND_MS
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(ageMs) > toleranceMs)
    throw refused(`a try of the last ${toleranceMs / SECOND_MS} seconds`, `one of ${ageMs / SECOND_MS} seconds ago`)
  const body = await bodyText(request)
  const content = new TextEncoder().encode(`${id}.${timestamp}.${body}`)
  if (!(await isSigned(keys, signatures, content)))
    throw refused('a body signed with one of our secrets', 'another one; it must be as it came, or parsed as JSON')
  const { type, timestamp: at, data } = JSON.parse(body) as { type: string; timestamp: string; data: Postback['data'] }
  return { id, type, at: Date.parse(at), data }
}

type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>

const ALGORITHM = { name: 'HMAC', hash: 'SHA-256' }

function keyOf(secret: string): Promise<Key> {
  const bytes = secret.startsWith('whsec_') ? bytesOf(secret.slice('whsec_'.length)) : null
  if (bytes === null || bytes.length === 0) throw invalidSecret()
  return crypto.subtle.importKey('raw', bytes, ALGORITHM, false, ['verify'])
}

/** Compares in constant time, as WebCrypto does. */
async function isSigned(keys: readonly Key[], header: string, content: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const texts = header.split(' ').slice(0, SIGNATURES_MAX)
  const signatures = texts.flatMap((text) => {
    const bytes = text.startsWith('v1,') ? bytesOf(text.slice('v1,'.length)) : null
    return bytes === null ? [] : [bytes]
  })
  const answers = keys.flatMap((key) => signatures.map((bytes) => crypto.subtle.verify(ALGORITHM, key, bytes, content)))
  return (await Promise.all(answers)).includes(true)
}

/** `null` for what is no base64. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
  } catch {
    return null
  }
}

function refused(expected: string, found: string): DamsonError {
  return new DamsonError('POSTBACK_REFUSED', `Expected ${expected}, found ${found}.`)
}

function invalidSecret(): DamsonError {
  return new DamsonError(
    'SECRET_INVALID',
    'secrets needs what addPostback answered as signingSecret: whsec_ and base64. `damson postbacks secret ID` shows it again.',
  )
}
