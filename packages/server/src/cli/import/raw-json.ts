import { RawError, type RawRecord } from './raw-record.ts'

/** Quoted text, or a number: of the numbers, those that JavaScript would round become text. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const LONG_INTEGER = /^-?\d{16,}$/

/**
 * One line of a JSON export. Ids are 64-bit integers, more than JavaScript can count to, and stay text.
 * @throws {RawError} saying what is wrong with it
 */
export function parseRawLine(line: string): RawRecord {
  let value: unknown
  try {
    value = JSON.parse(line.replaceAll(TOKENS, (token) => (LONG_INTEGER.test(token) ? `"${token}"` : token)))
  } catch {
    throw new RawError('it is no JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RawError('it is no JSON object')
  return value as RawRecord
}
