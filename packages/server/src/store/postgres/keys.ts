import { fnv1a } from '../../engine/hash.ts'

/** Into how many buckets profiles are spread. Part of every key that was ever stored: it never changes. */
export const BUCKETS = 64

/** A row of profile data is found by its app and the id of its user, in the bucket of the two. */
export interface Key {
  readonly bucket: number
  readonly appId: string
  readonly id: string
}

/** The bucket of a user, or of a device: both share one space of ids, as an anonymous user has the id of the device. */
export function bucketOf(appId: string, id: string): number {
  let hash = fnv1a(`${appId}\0${id}`)
  // The low bits of FNV depend on the low bits of the text alone.
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return (hash ^ (hash >>> 16)) & (BUCKETS - 1)
}

export function keyAt(appId: string, id: string): Key {
  return { bucket: bucketOf(appId, id), appId, id }
}

/** The one order in which rows are locked, whoever locks them. */
export function inKeyOrder(one: Key, two: Key): number {
  return one.bucket - two.bucket || compare(one.appId, two.appId) || compare(one.id, two.id)
}

/** An id as PostgreSQL takes it: text there has no NUL and no half of a surrogate pair, and ids may have both. */
export function encodeId(id: string): string {
  if (!NEEDS_ESCAPE.test(id)) return id
  let text = ''
  for (const character of id) {
    const code = character.codePointAt(0) ?? 0
    const isPlain = code > 1 && !(code >= 0xd800 && code <= 0xdfff)
    text += isPlain ? character : `\u0001${code.toString(16).padStart(4, '0')}`
  }
  return text
}

export function decodeId(text: string): string {
  if (!text.includes('\u0001')) return text
  return text.replaceAll(ESCAPED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

// oxlint-disable-next-line no-control-regex -- what PostgreSQL refuses, and the sign we escape with
const NEEDS_ESCAPE = /[\u0000\u0001\ud800-\udfff]/
// oxlint-disable-next-line no-control-regex -- the sign we escape with
const ESCAPED = /\u0001([0-9a-f]{4})/g

function compare(one: string, two: string): number {
  return one < two ? -1 : one > two ? 1 : 0
}
