import { coerceFloat, coerceText, INVALID } from './coerce.ts'
import { coerceObject } from './coerce-json.ts'

type Scalar = string | number | boolean

/** Parameters of an event or a state (specification 7.1). */
export type FlatParams = Readonly<Record<string, Scalar>>

/** What an attribute is to become (specification 7.4); `null` clears it. */
export type AttributeInput = Scalar | readonly Scalar[] | null

/** Keeps scalars, writes down as JSON what is nested, leaves out `null`. The usual flat map is given back as it came. */
export function coerceFlatParams(value: unknown): FlatParams | typeof INVALID {
  const object = coerceObject(value)
  if (object === INVALID || isFlat(object)) return object
  const params: Record<string, Scalar> = {}
  for (const [name, given] of Object.entries(object)) {
    if (given === null) continue
    const scalar = toScalar(given)
    if (scalar === INVALID) return INVALID
    params[name] = scalar
  }
  return params
}

/** As parameters, but lists of scalars stay lists, and `null` stays: it clears. */
export function coerceAttributes(value: unknown): Readonly<Record<string, AttributeInput>> | typeof INVALID {
  const object = coerceObject(value)
  if (object === INVALID || isFlat(object)) return object
  const attributes: Record<string, AttributeInput> = {}
  for (const [name, given] of Object.entries(object)) {
    const attribute = given === null ? null : Array.isArray(given) ? toScalars(given) : toScalar(given)
    if (attribute === INVALID) return INVALID
    attributes[name] = attribute
  }
  return attributes
}

/** Text is kept without a look inside; anything native is written down as JSON. */
export function coerceJsonText(value: unknown): string | typeof INVALID {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : coerceText(value)
}

function isFlat(object: Readonly<Record<string, unknown>>): object is FlatParams {
  for (const name in object) {
    const value = object[name]
    if (typeof value === 'string' || typeof value === 'boolean') continue
    if (typeof value !== 'number' || !Number.isFinite(value) || Object.is(value, -0)) return false
  }
  return true
}

function toScalar(value: unknown): Scalar | typeof INVALID {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  return typeof value === 'number' ? coerceFloat(value) : JSON.stringify(value)
}

function toScalars(list: readonly unknown[]): readonly Scalar[] | typeof INVALID {
  const scalars: Scalar[] = []
  for (const value of list) {
    if (value === null) continue
    const scalar = toScalar(value)
    if (scalar === INVALID) return INVALID
    scalars.push(scalar)
  }
  return scalars
}
