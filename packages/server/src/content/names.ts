import type { Json } from './source.ts'

/** The steps of a dotted name. A dot, bracket, parenthesis or backslash after a backslash is part of the step (7.7). */
export function stepsOf(name: string): readonly string[] {
  return name.match(/(?:[^.\\]|\\.)+/gs) ?? []
}

/**
 * The variables in a tree of values, by dotted name: objects are groups, everything else is a value. An object with
 * nothing in it is a value, too.
 */
export function flattened(tree: Readonly<Record<string, Json>>, prefix = ''): Map<string, Json> {
  const leaves = new Map<string, Json>()
  for (const [key, value] of Object.entries(tree)) {
    const name = prefix === '' ? stepsOf(key).join('.') : [prefix, ...stepsOf(key)].join('.')
    if (name === '') continue
    if (isGroup(value) && Object.keys(value).length > 0) {
      for (const [inner, leaf] of flattened(value, name)) leaves.set(inner, leaf)
    } else {
      leaves.set(name, value)
    }
  }
  return leaves
}

export function isGroup(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether one of the names is the other, or a group around it. */
export function isWithin(name: string, group: string): boolean {
  return name === group || name.startsWith(`${group}.`)
}

/** Whether no step of the name could reach a prototype. */
export function isSafeName(name: string): boolean {
  return !stepsOf(name).some((step) => step === '__proto__' || step === 'constructor' || step === 'prototype')
}
