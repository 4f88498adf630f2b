import { DamsonError } from '../errors.ts'

/** Signs with the newest secret, accepts those of any. WebCrypto, so it runs on the edge too. */
export interface KeyRing {
  sign(text: string): Promise<string>
  /** The place in the ring of the secret that signed: 0 is the newest; -1 if none did. Takes the same time either way. */
  verify(text: string, signature: string): Promise<number>
}

type SigningKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

const ALGORITHM = { name: 'HMAC', hash: 'SHA-256' }

/** Shorter ones can be guessed from a single cookie. @source assumed: as many bytes as the hash has */
const MIN_SECRET_LENGTH = 32

/** @throws {DamsonError} SECRET_INVALID: none, or one that is too short. There is no default. */
export function createKeyRing(secrets: readonly string[]): KeyRing {
  const length = Math.min(...secrets.map((secret) => secret.length))
  if (secrets.length === 0 || length < MIN_SECRET_LENGTH) {
    const found = secrets.length === 0 ? 'none' : `one of ${length} characters`
    throw new DamsonError(
      'SECRET_INVALID',
      `secrets needs at least one secret of ${MIN_SECRET_LENGTH} characters or more, found ${found}. ` +
        'Make one with `openssl rand -hex 32`, keep it out of the code, and put a new one in front to change it.',
    )
  }
  // Imported at first use: some edge runtimes allow no asynchronous work while a module loads.
  let keys: Promise<readonly SigningKey[]> | null = null
  const ring = () => (keys ??= Promise.all(secrets.map(importKey)))
  return {
    async sign(text) {
      const [key] = await ring()
      return toBase64Url(new Uint8Array(await crypto.subtle.sign(ALGORITHM, key as SigningKey, encode(text))))
    },
    async verify(text, signature) {
      const bytes = fromBase64Url(signature)
      if (bytes === null) return -1
      const answers = (await ring()).map((key) => crypto.subtle.verify(ALGORITHM, key, bytes, encode(text)))
      return (await Promise.all(answers)).indexOf(true)
    },
  }
}

export function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** `null` for what `toBase64Url` cannot have written; one value has one spelling. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | null {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return null
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
  return toBase64Url(bytes) === text ? bytes : null
}

function importKey(secret: string): Promise<SigningKey> {
  return crypto.subtle.importKey('raw', encode(secret), ALGORITHM, false, ['sign', 'verify'])
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}
