import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addToAttributes, incrementAttributes, removeFromAttributes } from './attributes.ts'
import { Draft, emptyProfile } from './draft.ts'
import type { AttributeScalar, AttributeValue } from './profile.ts'

const scalar = fc.oneof(
  fc.constantFrom<AttributeScalar>('a', 'b', '7', '-3', '1.5', true, false, 0, 7, -3, 1.5),
  fc.string({ maxLength: 3 }),
)
const value: fc.Arbitrary<AttributeValue> = fc.oneof(scalar, fc.uniqueArray(scalar, { maxLength: 4 }))
const name = fc.constantFrom('x', 'y', 'toString')
const operation = fc.record({ type: fc.constantFrom('add', 'remove', 'increment'), name, value })
const start = fc.dictionary(name, value)

type Operation = { type: string; name: string; value: AttributeValue }

/** The rules of specification 7.4 once more, with sets and in the plainest way. */
function naive(before: Record<string, AttributeValue>, { type, name: key, value: given }: Operation) {
  const after = new Map(Object.entries(before))
  const list = (v: AttributeValue | undefined): AttributeScalar[] =>
    v === undefined ? [] : Array.isArray(v) ? [...v] : [v as AttributeScalar]
  const current = after.get(key)
  if (type === 'add') after.set(key, [...new Set([...list(current), ...list(given)])])
  if (type === 'remove' && current !== undefined)
    after.set(
      key,
      list(current).filter((v) => !new Set(list(given)).has(v)),
    )
  if (type === 'increment') {
    const integer = (v: AttributeValue | undefined) =>
      v === undefined
        ? 0
        : (typeof v === 'number' || typeof v === 'string') && /^[+-]?\d+$/.test(String(v))
          ? Number(v)
          : NaN
    const sum = integer(current) + integer(given)
    if (!Number.isNaN(sum)) after.set(key, sum)
  }
  return Object.fromEntries(after)
}

function real(before: Record<string, AttributeValue>, { type, name: key, value: given }: Operation) {
  const draft = new Draft({ ...emptyProfile('u', 0), attributes: before })
  const apply = { add: addToAttributes, remove: removeFromAttributes, increment: incrementAttributes }[type]!
  apply(draft, { [key]: given })
  return draft.profile.attributes
}

describe('operations on attributes', () => {
  test('agree with a naive model, whatever is done in whatever order [C-07]', () => {
    fc.assert(
      fc.property(start, fc.array(operation, { maxLength: 8 }), (before, operations) => {
        expect(operations.reduce<Record<string, AttributeValue>>(real, before)).toEqual(
          operations.reduce<Record<string, AttributeValue>>(naive, before),
        )
      }),
      { numRuns: 2_000 },
    )
  })

  test('never touch the profile they began with', () => {
    fc.assert(
      fc.property(start, operation, (before, one) => {
        const copy = structuredClone(before)
        real(before, one)
        expect(before).toEqual(copy)
      }),
    )
  })
})
