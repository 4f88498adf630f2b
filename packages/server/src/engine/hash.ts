const FNV_OFFSET = 0x811c9dc5
const FNV_PRIME = 0x01000193

const utf8 = new TextEncoder()

/** FNV-1a, 32 bits, of the text's UTF-8 form. Spreads well enough for buckets; says nothing about secrets. */
export function fnv1a(text: string, offset: number = FNV_OFFSET): number {
  let hash = offset
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    // Up to here a character was a byte, as in nearly every id there is.
    if (code > 0x7f) return ofBytes(utf8.encode(text.slice(index)), hash)
    hash = Math.imul(hash ^ code, FNV_PRIME)
  }
  return hash >>> 0
}

function ofBytes(bytes: Uint8Array, offset: number): number {
  let hash = offset
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME)
  return hash >>> 0
}

/** A number from 0 to 999 that belongs to the user id alone. @source assumed: specification 4.5, unknowns 24 */
export function userBucket(userId: string): number {
  return fnv1a(userId) % 1000
}

/** 64 bits that stand for a text without holding it. */
export function fingerprint(text: string): string {
  const first = fnv1a(text)
  return first.toString(36) + '.' + fnv1a(text, first ^ FNV_PRIME).toString(36)
}
