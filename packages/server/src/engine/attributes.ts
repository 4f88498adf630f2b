import type { AttributeInput, Outcome } from '@damson/core/protocol'
import type { AttributeScalar, AttributeValue } from './profile.ts'
import { nameWarning } from './params.ts'
import type { Cast, Scene } from './scene.ts'
import type { Draft } from './draft.ts'

type Inputs = Readonly<Record<string, AttributeInput>> | undefined

/**
 * Sets the attributes that are named and leaves the others; `null` clears one (specification 7.4).
 * @returns a warning about a name, if there is one
 */
export function setAttributes(draft: Draft, inputs: Inputs, cast: Cast, scene: Scene): Outcome | null {
  if (inputs === undefined) return null
  const attributes = draft.attributes()
  const names = Object.keys(inputs)
  for (const name of names) {
    const value = inputs[name]!
    if (value === null) delete attributes[name]
    else attributes[name] = value
  }
  return nameWarning('attribute', names, cast, scene)
}

/** Adds values to sets: what is there already stays once; a single value counts as a set of one. */
export function addToAttributes(draft: Draft, inputs: Inputs): void {
  for (const [name, added] of given(inputs)) {
    const attributes = draft.attributes()
    const set = asSet(own(attributes, name))
    attributes[name] = [
      ...set,
      ...asSet(added).filter((value, index, all) => !set.includes(value) && all.indexOf(value) === index),
    ]
  }
}

/** Removes values from sets. What was not there is no fault. */
export function removeFromAttributes(draft: Draft, inputs: Inputs): void {
  for (const [name, removed] of given(inputs)) {
    const before = own(draft.profile.attributes, name)
    if (before === undefined) continue
    const gone = asSet(removed)
    draft.attributes()[name] = asSet(before).filter((value) => !gone.includes(value))
  }
}

/** Adds integers to integers, a missing one being 0; where either is none, nothing is done (specification 7.4). */
export function incrementAttributes(draft: Draft, inputs: Inputs): void {
  for (const [name, by] of given(inputs)) {
    const before = own(draft.profile.attributes, name)
    const from = before === undefined ? 0 : asInteger(before)
    const step = asInteger(by)
    if (from === null || step === null || !Number.isSafeInteger(from + step)) continue
    draft.attributes()[name] = from + step
  }
}

function given(inputs: Inputs): [string, AttributeValue][] {
  if (inputs === undefined) return []
  return Object.entries(inputs).filter((entry): entry is [string, AttributeValue] => entry[1] !== null)
}

function own(attributes: Readonly<Record<string, AttributeValue>>, name: string): AttributeValue | undefined {
  return Object.hasOwn(attributes, name) ? attributes[name] : undefined
}

function asSet(value: AttributeValue | undefined): readonly AttributeScalar[] {
  if (value === undefined) return []
  return typeof value === 'object' ? value : [value]
}

/** An integer, or text that is one (unknowns 62). */
function asInteger(value: AttributeValue): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : null
  if (typeof value !== 'string' || !/^[+-]?\d{1,15}$/.test(value)) return null
  return Number(value)
}
