import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { type EpochMs, MINUTE_MS, SECOND_MS } from '@damson/core'
import { SignJWT } from 'jose'

/** Signs tokens that prove who we are to a push service, and keeps each for a while. */
export interface TokenMaker {
  /** For this audience, not older than it may be. */
  tokenFor(audience: string, at: EpochMs): Promise<string>
  /** The service has refused it: the next one is new. */
  forget(audience: string): void
}

export interface TokenOptions {
  readonly algorithm: 'ES256' | 'RS256'
  /** PEM, or a private JWK. */
  readonly key: string | JsonWebKey
  readonly keyId?: string
  readonly issuer?: string
  readonly subject?: string
  /** Whether the token names its audience; Apple's do not. */
  readonly namesAudience: boolean
  readonly claims?: Readonly<Record<string, string>>
  /** How long it is used. */
  readonly keptMs: number
  /** How long it is valid; `null`: it says when it was made, and nothing of its end. */
  readonly validMs: number | null
}

export function createTokenMaker(options: TokenOptions): TokenMaker {
  const key = privateKey(options.key)
  const kept = new Map<string, { readonly at: EpochMs; readonly token: Promise<string> }>()
  return {
    tokenFor(audience, at) {
      const known = kept.get(audience)
      if (known !== undefined && at >= known.at && at < known.at + options.keptMs) return known.token
      // Subscriptions come from anywhere: what is kept for each is not kept for all of them for ever.
      if (kept.size >= AUDIENCES_MAX) kept.clear()
      const token = signed(options, key, audience, at)
      kept.set(audience, { at, token })
      return token
    },
    forget: (audience) => void kept.delete(audience),
  }
}

const AUDIENCES_MAX = 1_000
/** Whose clock is behind ours would otherwise take it for one of tomorrow. */
const CLOCK_SLACK_MS = MINUTE_MS

function signed(options: TokenOptions, key: KeyObject, audience: string, at: EpochMs): Promise<string> {
  const { algorithm, keyId, issuer, subject, namesAudience, claims = {}, validMs } = options
  const issuedAt = Math.floor((at - CLOCK_SLACK_MS) / SECOND_MS)
  const token = new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) })
    .setIssuedAt(issuedAt)
  if (issuer !== undefined) token.setIssuer(issuer)
  if (subject !== undefined) token.setSubject(subject)
  if (namesAudience) token.setAudience(audience)
  if (validMs !== null) token.setExpirationTime(issuedAt + Math.floor(validMs / SECOND_MS))
  return token.sign(key)
}

function privateKey(key: string | JsonWebKey): KeyObject {
  return typeof key === 'string' ? createPrivateKey(key) : createPrivateKey({ key, format: 'jwk' })
}
