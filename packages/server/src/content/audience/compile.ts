import type { EpochMs } from '@damson/core'
import type { Profile } from '../../engine/profile.ts'
import { typeOf } from './facts.ts'
import { readerOf } from './read-fact.ts'
import type { Condition, Fact } from './syntax.ts'
import { type Check, checkOf } from './values.ts'

/** Whether a user belongs to an audience at an instant. Pure, and done in microseconds. */
export type Matches = (profile: Profile, now: EpochMs) => boolean

/** Finds the meaning of another audience by its name. */
export type Lookup = (name: string) => Matches

export const matchesEveryone: Matches = () => true

/**
 * Makes a function of a condition. A comparison with what is not there is false, so `!=` and `not` of it are true. Of what
 * has several values, such as devices and list attributes, one that fits is enough.
 */
export function compile(condition: Condition, lookup: Lookup): Matches {
  switch (condition.op) {
    case 'everyone':
      return matchesEveryone
    case 'audience':
      return lookup(condition.name)
    case 'not': {
      const part = compile(condition.part, lookup)
      return (profile, now) => !part(profile, now)
    }
    case 'and':
      return every(condition.parts.map((part) => compile(part, lookup)))
    case 'or':
      return some(condition.parts.map((part) => compile(part, lookup)))
    case 'isSet':
      return anyValue(condition.fact, () => true)
    case 'compare': {
      const { fact, relation, literal } = condition
      // A list contains its elements; a text contains its parts.
      if (relation === 'contains')
        return containing(fact, checkOf(typeOf(fact), '=', literal), checkOf('text', 'contains', literal))
      return anyValue(fact, checkOf(typeOf(fact), relation, literal))
    }
    case 'in': {
      const { fact, literals } = condition
      const checks = literals.map((literal) => checkOf(typeOf(fact), '=', literal))
      return anyValue(fact, (value, now) => checks.some((check) => check(value, now)))
    }
  }
}

function every(parts: readonly Matches[]): Matches {
  const [first, second] = parts
  if (parts.length === 2 && first && second) return (profile, now) => first(profile, now) && second(profile, now)
  return (profile, now) => {
    for (const part of parts) if (!part(profile, now)) return false
    return true
  }
}

function some(parts: readonly Matches[]): Matches {
  const [first, second] = parts
  if (parts.length === 2 && first && second) return (profile, now) => first(profile, now) || second(profile, now)
  return (profile, now) => {
    for (const part of parts) if (part(profile, now)) return true
    return false
  }
}

function anyValue(fact: Fact, check: Check): Matches {
  const read = readerOf(fact)
  return (profile, now) => {
    const value = read(profile)
    if (value === undefined) return false
    if (typeof value !== 'object') return check(value, now)
    for (const one of value) if (check(one, now)) return true
    return false
  }
}

function containing(fact: Fact, isElement: Check, isPart: Check): Matches {
  const read = readerOf(fact)
  const isSeveral = fact.of === 'attribute'
  return (profile, now) => {
    const value = read(profile)
    if (value === undefined) return false
    if (typeof value !== 'object') return isPart(value, now)
    for (const one of value) if ((isSeveral ? isElement : isPart)(one, now)) return true
    return false
  }
}
