import { SECOND_MS } from '../clock.ts'
import type { EpochMs } from '../clock.ts'
import { MAX_ID_LENGTH } from './limits.ts'

/** Stands for a value that cannot be read as what it should be. Bad input is a value, not an exception. */
export const INVALID: unique symbol = Symbol('invalid')

/** No digit group can be matched in two ways, so a long hostile text costs one pass and not its square. */
const DECIMAL = /^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?\s*$/i

/** The widest instant that a `Date` can hold. */
const MAX_INSTANT_MS = 8.64e15

/** Numbers count as text: `"userId":123456` is the user `123456`. @source observed: specification 1.5 */
export function coerceText(value: unknown): string | typeof INVALID {
  if (typeof value === 'string') return value
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : INVALID
}

/** A user or device id. @source documented: specification 4.1; that a longer one is refused is assumed */
export function coerceId(value: unknown): string | typeof INVALID {
  const id = coerceText(value)
  return id === INVALID || id.length > MAX_ID_LENGTH ? INVALID : id
}

/** A finite number, or a text in decimal or exponent form. `-0` becomes `0`. */
export function coerceFloat(value: unknown): number | typeof INVALID {
  if (typeof value === 'string') return DECIMAL.test(value) ? finite(Number(value)) : INVALID
  return typeof value === 'number' ? finite(value) : INVALID
}

export function coerceInteger(value: unknown): number | typeof INVALID {
  const number = coerceFloat(value)
  return number !== INVALID && Number.isSafeInteger(number) ? number : INVALID
}

/** `true`, `"True"`, `1`, `"1"` and their opposites. @source observed: specification 1.5 */
export function coerceBoolean(value: unknown): boolean | typeof INVALID {
  if (typeof value === 'boolean') return value
  if (value === 1 || value === '1' || value === 'true') return true
  if (value === 0 || value === '0' || value === 'false') return false
  if (typeof value !== 'string' || value.length > 5) return INVALID
  const lower = value.toLowerCase()
  return lower === 'true' ? true : lower === 'false' ? false : INVALID
}

/** UNIX seconds, fractions allowed, to whole milliseconds. */
export function coerceInstant(value: unknown): EpochMs | typeof INVALID {
  const seconds = coerceFloat(value)
  if (seconds === INVALID) return INVALID
  const instant = Math.round(seconds * SECOND_MS)
  return Math.abs(instant) <= MAX_INSTANT_MS ? instant + 0 : INVALID
}

function finite(number: number): number | typeof INVALID {
  return Number.isFinite(number) ? number + 0 : INVALID
}

/** One of a few words, spelled exactly; with `anyCase`, the word as we spell it. */
export function coerceChoice<C extends string>(
  value: unknown,
  choices: readonly C[],
  anyCase: boolean,
): C | typeof INVALID {
  if (typeof value !== 'string') return INVALID
  for (const choice of choices) {
    if (choice === value || (anyCase && choice.toLowerCase() === value.toLowerCase())) return choice
  }
  return INVALID
}
