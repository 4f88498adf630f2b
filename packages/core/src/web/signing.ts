import { DamsonError } from '../errors.ts'

/** Signs with the newest secret, accepts those of any. */
export interface KeyRing {
  sign(text: string): Promise<string>
  /** The place in the ring of the secret that signed: 0 is the newest; -1 if none did. Takes the same time either way. */
  verify(text: string, signature: string): Promise<number>
}

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
  const node = nodeCrypto()
  return node === null ? webKeyRing(secrets) : nodeKeyRing(secrets, node)
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

type SigningKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>

const ALGORITHM = { name: 'HMAC', hash: 'SHA-256' }

/** For the edge. */
export function webKeyRing(secrets: readonly string[]): KeyRing {
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

/** The same on Node, at once: WebCrypto there asks a pool of threads, and a response would wait for its turn in it. */
function nodeKeyRing(secrets: readonly string[], { createHmac, timingSafeEqual }: NodeCrypto): KeyRing {
  const keys = secrets.map(encode)
  const digest = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest()
  return {
    sign: async (text) => toBase64Url(digest(keys[0]!, text)),
    async verify(text, signature) {
      const bytes = fromBase64Url(signature)
      const answers = keys.map((key) => {
        const right = digest(key, text)
        return bytes !== null && bytes.length === right.length && timingSafeEqual(bytes, right)
      })
      return answers.indexOf(true)
    },
  }
}

interface NodeCrypto {
  createHmac(algorithm: string, key: Uint8Array): { update(text: string): { digest(): Uint8Array } }
  timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean
}

/** Asked for where it runs, as an import would keep this file from the edge; `null` anywhere but on Node. */
function nodeCrypto(): NodeCrypto | null {
  const { process } = globalThis as { process?: { getBuiltinModule?(name: string): unknown } }
  try {
    return (process?.getBuiltinModule?.('node:crypto') as NodeCrypto | undefined) ?? null
  } catch {
    // The edge of Next has everything of `process` that Node has, and throws whichever of it is called.
    return null
  }
}

function importKey(secret: string): Promise<SigningKey> {
  return crypto.subtle.importKey('raw', encode(secret), ALGORITHM, false, ['sign', 'verify'])
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}
