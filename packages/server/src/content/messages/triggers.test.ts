import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileMessages, triggeredBy } from './compile.ts'
import type { KeptMessage, TriggerSource } from './source.ts'
import { fits, type Happening } from './triggers.ts'

const name = fc.constantFrom('a', 'b')
const value = fc.constantFrom<string | number | boolean>('x', 'X', 'y', 1, '1', true)
const where = fc.oneof(fc.constant({}), fc.record({ parameter: fc.constantFrom('p', 'q'), is: value }))
const trigger: fc.Arbitrary<TriggerSource> = fc.oneof(
  fc.record({ session: fc.constantFrom('start' as const, 'resume' as const) }),
  fc.tuple(name, where).map(([event, rest]) => ({ event, ...rest })),
  fc.tuple(name, where).map(([state, rest]) => ({ state, ...rest })),
  fc.tuple(name, fc.record({ from: value, to: value }, { requiredKeys: [] })).map(([attribute, { from, to }]) => ({
    attribute,
    ...(to !== undefined && { to, ...(from !== undefined && { from }) }),
  })),
)
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({ type: fc.constant('session' as const), how: fc.constantFrom('start' as const, 'resume' as const) }),
  fc.record({
    type: fc.constantFrom('event' as const, 'state' as const),
    name,
    params: fc.dictionary(fc.constantFrom('p', 'q'), value),
  }),
  fc.record({
    type: fc.constant('attribute' as const),
    name,
    from: fc.option(value, { nil: undefined }),
    to: fc.option(value, { nil: undefined }),
  }),
)
const message = fc.record({
  when: fc.array(trigger, { minLength: 1, maxLength: 3 }),
  unless: fc.array(trigger, { maxLength: 2 }),
  priority: fc.option(fc.constantFrom(1, 1000, 2000), { nil: undefined }),
  state: fc.constantFrom('active' as const, 'active' as const, 'draft' as const),
})

test('the index finds the messages that a look at each of them finds, in the order of their priority', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 6 }), happening, (messages, happened) => {
      const sources = Object.fromEntries(
        messages.map((one, index): [string, KeptMessage] => [
          String(index + 1),
          { ...one, name: 'm', channel: 'email', content: { subject: 's', html: 'h' }, createdAt: 0, updatedAt: 0 },
        ]),
      )
      const { triggers } = compileMessages(sources, {}, {}, [], () => () => true)
      const found = triggers === null ? [] : triggeredBy(triggers, happened).map(({ id }) => id)
      const expected = messages
        .map(({ when, unless, state, priority = 1000 }, index) => ({
          id: index + 1,
          priority,
          isSetOff:
            state === 'active' && when.some((one) => fits(one, happened)) && !unless.some((one) => fits(one, happened)),
        }))
        .filter(({ isSetOff }) => isSetOff)
        .toSorted((one, other) => one.priority - other.priority || one.id - other.id)
      expect(found).toEqual(expected.map(({ id }) => id))
    }),
    { numRuns: 3_000 },
  )
})
