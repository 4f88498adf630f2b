import { INVALID } from './coerce.ts'
import { parseJson } from './json.ts'
import type { ParsedJson } from './json.ts'
import { MAX_JSON_WIDTH } from './limits.ts'

type Fields = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A map: native, or as JSON text. All official SDKs send maps as text even inside a JSON body (specification 1.5). */
export function coerceObject(value: unknown): Fields | typeof INVALID {
  if (typeof value !== 'string') return isObject(value) ? value : INVALID
  if (!/^\s*\{/.test(value)) return INVALID
  const parsed = parseLenient(value)
  return parsed.ok && isObject(parsed.value) ? parsed.value : INVALID
}

/** A list: native, JSON text, or bare words between commas, with or without brackets. One scalar is a list of one. */
export function coerceList(value: unknown): readonly unknown[] | typeof INVALID {
  if (Array.isArray(value)) return value
  if (typeof value === 'number' || typeof value === 'boolean') return [value]
  if (typeof value !== 'string' || /^\s*\{/.test(value)) return INVALID
  if (!/^\s*\[/.test(value)) return splitWords(value)
  const parsed = parseLenient(value)
  if (parsed.ok) return Array.isArray(parsed.value) ? parsed.value : INVALID
  return parsed.problem === 'syntax' ? splitWords(withoutBrackets(value)) : INVALID
}

/** A list whose members are all of one kind; `null` among them is passed over. */
export function coerceListOf<T>(
  value: unknown,
  coerceItem: (item: unknown) => T | typeof INVALID,
): readonly T[] | typeof INVALID {
  const list = coerceList(value)
  if (list === INVALID) return INVALID
  const items: T[] = []
  for (const entry of list) {
    if (entry === null) continue
    const item = coerceItem(entry)
    if (item === INVALID) return INVALID
    items.push(item)
  }
  return items
}

/** Strict JSON first, then with single quotes, as the vendor's own GET example has it. */
export function parseLenient(text: string): ParsedJson {
  const strict = parseJson(text)
  return !strict.ok && strict.problem === 'syntax' ? parseJson(toDoubleQuotes(text)) : strict
}

const SINGLE = 0x27
const DOUBLE = 0x22
const BACKSLASH = 0x5c

/**
 * `{'a': "it's"}` to `{"a": "it's"}`. What is no JSON afterwards was none before either. Works on bytes: megabytes of
 * quotes, put together character by character, would hold the process for seconds.
 */
function toDoubleQuotes(text: string): string {
  const source = new TextEncoder().encode(text)
  const target = new Uint8Array(source.length * 2)
  let length = 0
  let quote = 0
  for (let index = 0; index < source.length; index++) {
    const byte = source[index]!
    if (quote === 0 && (byte === SINGLE || byte === DOUBLE)) {
      quote = byte
      target[length++] = DOUBLE
    } else if (byte === quote) {
      quote = 0
      target[length++] = DOUBLE
    } else if (quote !== 0 && byte === BACKSLASH && source[index + 1] === SINGLE) {
      index++
      target[length++] = SINGLE
    } else if (quote !== 0 && byte === BACKSLASH) {
      index++
      target[length++] = BACKSLASH
      target[length++] = source[index] ?? BACKSLASH
    } else {
      if (quote === SINGLE && byte === DOUBLE) target[length++] = BACKSLASH
      target[length++] = byte
    }
  }
  return new TextDecoder().decode(target.subarray(0, length))
}

function withoutBrackets(text: string): string {
  const trimmed = text.trim()
  return trimmed.slice(1, trimmed.endsWith(']') ? -1 : undefined)
}

function splitWords(text: string): readonly string[] | typeof INVALID {
  const words = text.split(',', MAX_JSON_WIDTH + 1)
  if (words.length > MAX_JSON_WIDTH) return INVALID
  return words.map((word) => word.trim()).filter((word) => word !== '')
}
