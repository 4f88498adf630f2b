import type { EpochMs } from '@damson/core'
import { isoInstant } from './literals.ts'
import type { FactType, Literal, Relation } from './syntax.ts'

/** One value of a fact, as profiles hold them. */
export type Value = string | number | boolean

export type Check = (value: Value, now: EpochMs) => boolean

/**
 * A check of one value against a literal. What cannot be compared is not equal and has no order. Texts are compared as they
 * are, with case; a text that is a number is one where the literal is a number.
 */
export function checkOf(type: FactType, relation: Relation, literal: Literal): Check {
  switch (relation) {
    case 'contains': {
      const wanted = literal.is === 'text' ? literal.value : null
      return wanted === null
        ? checkOf(type, '=', literal)
        : (value) => typeof value === 'string' && value.includes(wanted)
    }
    case 'startsWith':
    case 'endsWith': {
      const wanted = literal.is === 'text' ? literal.value : ''
      return relation === 'startsWith'
        ? (value) => typeof value === 'string' && value.startsWith(wanted)
        : (value) => typeof value === 'string' && value.endsWith(wanted)
    }
    default:
      return type === 'version' ? versionCheck(relation, literal) : plainCheck(relation, literal)
  }
}

function plainCheck(relation: Relation, literal: Literal): Check {
  switch (literal.is) {
    case 'boolean': {
      const { value: wanted } = literal
      return (value) => value === wanted
    }
    case 'number': {
      const holds = ordered(relation)
      const { value: wanted } = literal
      return (value) => holds(numberOf(value), wanted)
    }
    case 'text': {
      const { value: wanted } = literal
      if (relation === '=') return (value) => value === wanted
      const holds = ordered(relation)
      return (value) => typeof value === 'string' && holds(value < wanted ? -1 : value > wanted ? 1 : 0, 0)
    }
    case 'instant': {
      const holds = ordered(relation)
      const { at } = literal
      return (value) => holds(instantOf(value), at)
    }
    case 'ago': {
      const holds = ordered(relation)
      const { ms } = literal
      return (value, now) => holds(instantOf(value), now - ms)
    }
  }
}

function versionCheck(relation: Relation, literal: Literal): Check {
  const wanted = versionOf(literal.is === 'text' ? literal.value : '')
  const holds = ordered(relation)
  return (value) => typeof value === 'string' && holds(compareVersions(versionOf(value), wanted), 0)
}

/** Nothing holds of NaN. */
function ordered(relation: Relation): (a: number, b: number) => boolean {
  switch (relation) {
    case '<':
      return (a, b) => a < b
    case '<=':
      return (a, b) => a <= b
    case '>':
      return (a, b) => a > b
    case '>=':
      return (a, b) => a >= b
    default:
      return (a, b) => a === b
  }
}

const NUMERIC = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function numberOf(value: Value): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' && NUMERIC.test(value) ? Number(value) : NaN
}

/** Numbers are milliseconds, as SDKs send dates (specification 5.4); texts are ISO 8601. */
function instantOf(value: Value): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' ? (isoInstant(value) ?? NaN) : NaN
}

/** The numbers in a version: `2.10.1-beta` is 2, 10, 1. */
function versionOf(text: string): readonly number[] {
  return (text.match(/\d+/g) ?? []).map(Number)
}

/** What is not written is 0: 2.1 is 2.1.0. */
function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
