import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Draft, emptyProfile, RARE_FIELDS } from './draft.ts'
import type { Entry } from './entries.ts'
import { entriesOf, entriesText } from './entries-text.ts'
import { profileOf, profileText } from './profile-text.ts'

const scalar = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
)
const plain = scalar.filter((value) => !Object.is(value, -0))
const event = fc.record(
  {
    kind: fc.constant('event' as const),
    at: fc.nat(),
    record: fc.string(),
    name: fc.string(),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
    params: fc.dictionary(
      fc.string().filter((name) => name !== '__proto__'),
      plain,
    ),
    stateId: fc.string(),
    info: fc.string(),
    firstAfterMs: fc.nat(),
  },
  { requiredKeys: ['kind', 'at', 'record', 'name'] },
)
const other = fc.record({ kind: fc.constant('sessionPaused' as const), at: fc.nat(), record: fc.string() })

test('history comes back as it was written, whatever of an event is there', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(event, other)), (entries) => {
      expect(entriesOf(entriesText(entries as Entry[]))).toEqual(entries)
    }),
  )
})

test('a profile comes back as it was written, and an empty one is hardly any text', () => {
  const profile = fc.record({
    lastActiveAt: fc.option(fc.nat()),
    totalSessions: fc.nat(3),
    timeInAppMs: fc.nat(3),
    attributes: fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(fc.string(), fc.constant(0), fc.constant(false))),
    unsubscribedChannels: fc.array(fc.string(), { maxLength: 2 }),
    trafficSource: fc.option(fc.dictionary(fc.constantFrom('a'), fc.string(), { minKeys: 1 })),
    blocked: fc.boolean(),
  })
  fc.assert(
    fc.property(profile, fc.string({ minLength: 1 }), fc.nat(), (fields, userId, createdAt) => {
      const whole = { ...emptyProfile(userId, createdAt), ...fields }
      expect(profileOf(profileText(whole))).toEqual(whole)
    }),
  )
  expect(profileText(emptyProfile('ann', 5))).toBe('{"userId":"ann","createdAt":5}')
})

test('what a later version wrote into a profile is still there when this one has changed it', () => {
  const text = '{"userId":"ann","createdAt":5,"streak":{"days":3},"unknown":1,"__proto__":{"eventCount":9}}'
  const draft = new Draft(profileOf(text))
  draft.edit().eventCount = 1
  expect(JSON.parse(profileText(draft.profile))).toEqual({ ...JSON.parse(text), eventCount: 1 })
})

test('the copy that a turn changes has every field of the profile', () => {
  const names = fc.constantFrom(...Object.keys(RARE_FIELDS))
  fc.assert(
    fc.property(fc.uniqueArray(names), (rare) => {
      const whole = { ...emptyProfile('ann', 5), ...Object.fromEntries(rare.map((name) => [name, { a: 1 }])) }
      for (const name of Object.keys(whole)) {
        const marked = { ...whole, [name]: 'this one' }
        expect({ ...new Draft(marked).edit() }).toEqual(marked)
      }
    }),
  )
})
