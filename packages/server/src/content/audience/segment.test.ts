import { describe, expect, test } from 'vitest'
import { emptyProfile } from '../../engine/draft.ts'
import { ExpressionError, segmentOf } from './index.ts'

const NOW = 1_700_000_000_000
const ann = {
  ...emptyProfile('ann', NOW),
  attributes: { plan: 'gold', age: 30, Country: 'never asked' },
  place: { country: 'US', city: 'Oslo' },
  devices: { phone: { systemName: 'iOS', appVersion: '2.10' } },
}

describe('a segment, the older filter of exportUsers', () => {
  test.each([
    ['Country = "US"', true],
    ['Country = "DE"', false],
    ['country = "US" AND City != "Paris"', true],
    ['Country = "DE" OR plan = "gold"', true],
    ['plan = "gold" And Not (age < 18 Or age > 65)', true],
    ['plan IN ("gold", "silver")', true],
    ['AppVersion >= "2.9"', true],
    ['SystemName contains "OS"', true],
    ['missing is not set', true],
    ['plan Is Set', true],
    ['UserId = "bob"', false],
    ['attribute.age >= 18 and place.country = "US"', true],
    ['event.Purchase.count = 0', true],
  ])('%s', (source, holds) => {
    expect(segmentOf(source)(ann, NOW)).toBe(holds)
  })

  test('an error points to what was written', () => {
    let found: unknown
    try {
      segmentOf('Country = "US" AND plan =')
    } catch (error) {
      found = error
    }
    expect(found).toBeInstanceOf(ExpressionError)
    const { position, reason } = found as ExpressionError
    expect([position.column, reason]).toEqual([26, expect.stringContaining('expected a value')])
    expect(() => segmentOf('Country')).toThrow('expected attribute, event, state')
  })
})
