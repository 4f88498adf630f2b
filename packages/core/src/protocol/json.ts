import { MAX_JSON_DEPTH, MAX_JSON_MEMBERS, MAX_JSON_WIDTH } from './limits.ts'

export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: 'syntax' | 'tooComplex' }
  /** A key we refuse, or the key of a text that holds NUL. */
  | { readonly ok: false; readonly problem: 'unsafe'; readonly key: string }

/**
 * Reads JSON that a stranger wrote. The value has at most `MAX_JSON_DEPTH` levels and a bounded number of members; no key
 * that could reach a prototype, no NUL (PostgreSQL refuses it), no half of a surrogate pair (replaced, as UTF-8 would).
 * `text` is expected to be well-formed itself, as everything is that was decoded from bytes.
 */
export function parseJson(text: string): ParsedJson {
  if (scanJson(text) !== 'ok') return { ok: false, problem: 'tooComplex' }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { ok: false, problem: 'syntax' }
  }
  if (!mayBeUnsafe(text)) return { ok: true, value }
  const root = { value }
  const key = cleanse(root, '')
  return key === null ? { ok: true, value: root.value } : { ok: false, problem: 'unsafe', key }
}

/** Keys through which a careless assignment would reach a prototype. */
export function isUnsafeKey(key: string): boolean {
  return key === '__proto__' || key === 'constructor' || key === 'prototype'
}

export function hasNul(text: string): boolean {
  return text.includes('\0')
}

/** Replaces halves of surrogate pairs by U+FFFD: no UTF-8 can hold them, and not every store takes them. */
export function toWellFormed(text: string): string {
  return native === undefined ? replaceHalves(text) : native.call(text)
}

/** ES2024, in Node since 20 and in browsers since 2023: ten times quicker than the regular expression. */
const native = (String.prototype as { toWellFormed?: (this: string) => string }).toWellFormed

/** What `toWellFormed` is where the platform has none. */
export function replaceHalves(text: string): string {
  return text.replace(LONE_SURROGATE, '\uFFFD')
}

const LONE_SURROGATE = /\p{Surrogate}/gu

/**
 * JSON cannot hold NUL or half a pair but as a `\u` escape, nor a key we refuse but literally or with such escapes. Nearly
 * no text does, and nearly every one is spared the walk. Short words are found several times as quickly as long ones.
 */
function mayBeUnsafe(text: string): boolean {
  if (text.includes('proto') && (text.includes('__proto__') || text.includes('prototype'))) return true
  if (text.includes('struct') && text.includes('constructor')) return true
  return text.includes('\\u') && UNSAFE_ESCAPE.test(text)
}

/** NUL, the letters and the underscore of a refused key, and halves of pairs. */
const UNSAFE_ESCAPE = /\\u(?:0000|00[4-7]|d[89a-f])/i

/** Cleanses a freshly parsed value in place. Returns the key at which it cannot be cleansed, or `null`. */
function cleanse(container: Record<string, unknown> | unknown[], name: string): string | null {
  for (const [key, value] of Object.entries(container)) {
    const place = Array.isArray(container) ? name : key
    if (isUnsafeKey(key) || hasNul(key)) return key
    if (typeof value === 'string') {
      if (hasNul(value)) return place
      put(container, key, toWellFormed(value))
    } else if (typeof value === 'object' && value !== null) {
      const fault = cleanse(value as Record<string, unknown> | unknown[], place)
      if (fault !== null) return fault
    }
    if (toWellFormed(key) !== key) rename(container as Record<string, unknown>, key)
  }
  return null
}

/** Only an object can have such a key: those of a list are digits. */
function rename(object: Record<string, unknown>, key: string): void {
  const value = object[key]
  delete object[key]
  object[toWellFormed(key)] = value
}

/** A list is written to by index, which is an own key of it as text. */
function put(container: Record<string, unknown> | unknown[], key: string, value: unknown): void {
  ;(container as Record<string, unknown>)[key] = value
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
/** The bit in which `[` and `{` differ, and `]` and `}`. */
const CURLY = 0x20

/**
 * Looks at JSON text, or its UTF-8 bytes, before it is parsed: nesting and number of members. Says nothing about syntax;
 * a text it stops reading early is one that `JSON.parse` refuses at that very place or before.
 */
export function scanJson(json: string | Uint8Array): 'ok' | 'tooDeep' | 'tooWide' {
  if (typeof json === 'string' && json.length <= MAX_JSON_WIDTH && hasFewOpeners(json)) return 'ok'
  // Bytes are so much quicker to read than characters that writing them down first pays.
  const bytes = typeof json === 'string' ? new TextEncoder().encode(json) : json
  const widths = [0]
  const { length } = bytes
  let depth = 0
  let members = 0
  for (let index = 0; index < length; index++) {
    const byte = bytes[index]!
    if (byte === QUOTE) {
      for (index++; index < length && bytes[index] !== QUOTE; index++) {
        if (bytes[index] === BACKSLASH) index++
      }
    } else if (byte === COMMA) {
      members++
      if (++widths[depth]! >= MAX_JSON_WIDTH || members >= MAX_JSON_MEMBERS) return 'tooWide'
    } else if ((byte | CURLY) === 0x7b) {
      if (++depth > MAX_JSON_DEPTH) return 'tooDeep'
      widths[depth] = 0
    } else if ((byte | CURLY) === 0x7d) {
      if (--depth < 0) return 'ok'
    }
  }
  return 'ok'
}

/** Too few brackets to be too deep: true of nearly every single action, and found out by two native searches. */
function hasFewOpeners(text: string): boolean {
  let count = 0
  for (const opener of ['{', '[']) {
    for (let index = text.indexOf(opener); index !== -1; index = text.indexOf(opener, index + 1)) {
      if (++count > MAX_JSON_DEPTH) return false
    }
  }
  return true
}
