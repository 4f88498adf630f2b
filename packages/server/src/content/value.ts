import { isGroup } from './names.ts'
import type { Json, VariableType } from './source.ts'

/** What a value of a type looks like; for messages. */
const EXPECTED: Readonly<Record<VariableType, string>> = {
  string: 'a text',
  integer: 'a whole number',
  float: 'a number',
  boolean: 'true or false',
  color: "a colour such as '#ff8800', '#80ff8800' (alpha first) or its number",
  file: "a file's name",
  group: 'a group of values',
  list: 'a list',
}

/** What is wrong with a value of a type; `null` if nothing is. */
export function valueProblem(type: VariableType, value: Json): string | null {
  return isOfType(type, value) ? null : `expected ${EXPECTED[type]}, and found ${JSON.stringify(value)}`
}

function isOfType(type: VariableType, value: Json): boolean {
  switch (type) {
    case 'string':
    case 'file':
      return typeof value === 'string'
    case 'integer':
      return Number.isSafeInteger(value)
    case 'float':
      return typeof value === 'number'
    case 'boolean':
      return typeof value === 'boolean'
    case 'color':
      return typeof value === 'string' ? COLOR.test(value) : isColorNumber(value)
    case 'group':
      return isGroup(value)
    case 'list':
      return Array.isArray(value)
  }
}

/** As SDKs take it: colours are unsigned ARGB numbers (specification 7.7). */
export function wireValue(type: VariableType, value: Json): Json {
  if (type !== 'color' || typeof value !== 'string') return value
  const digits = value.slice(1)
  return Number.parseInt(digits.length === 6 ? `ff${digits}` : digits, 16)
}

const COLOR = /^#(?:[\da-f]{2})?[\da-f]{6}$/i

function isColorNumber(value: Json): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xff_ff_ff_ff
}
