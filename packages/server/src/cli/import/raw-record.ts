/** A record of a raw export as it was read: names as in JSON exports, values as they came. */
export type RawRecord = Readonly<Record<string, unknown>>

/** Why a record cannot be taken; its message goes into the report. */
export class RawError extends Error {}

export function list(value: unknown, name: string): readonly RawRecord[] {
  if (value === undefined || value === null) return []
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null)
  if (!isList) throw new RawError(`'${name}' is no list of objects`)
  return value as readonly RawRecord[]
}

export function optionalText(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** A 64-bit integer as decimal text. */
export function id(value: unknown, name: string): string {
  const text = optionalText(value)
  if (text === undefined || !/^-?\d{1,19}$/.test(text)) throw new RawError(`'${name}' is no id`)
  return text
}

/** A number, or the text of one, such as `1.591474962721E9`. */
export function optionalNumber(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null || value === '') return undefined
  const number = typeof value === 'string' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) throw new RawError(`'${name}' is no number`)
  return number
}

export function optionalMs(value: unknown, name: string): number | undefined {
  const seconds = optionalNumber(value, name)
  return seconds === undefined ? undefined : Math.round(seconds * 1000)
}

export function flag(value: unknown): boolean {
  return value === true || value === 'true' || value === 'True' || value === 'TRUE'
}
