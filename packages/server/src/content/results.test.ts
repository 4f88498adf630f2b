import { describe, expect, test } from 'vitest'
import { compareRates, rateOf } from './results.ts'

describe('results of A/B tests, against published figures', () => {
  test('Wilson’s interval of 81 of 263 [Newcombe 1998, example a]', () => {
    const { rate, low, high } = rateOf({ users: 263, conversions: 81 }, 0.95)
    expect([rate, low, high].map((value) => value.toFixed(4))).toEqual(['0.3080', '0.2553', '0.3662'])
  })

  test('and of none of twenty, and one of 29, where the usual interval fails', () => {
    const none = rateOf({ users: 20, conversions: 0 }, 0.95)
    expect([none.low, none.high].map((value) => value.toFixed(4))).toEqual(['0.0000', '0.1611'])
    const one = rateOf({ users: 29, conversions: 1 }, 0.95)
    expect([one.low, one.high].map((value) => value.toFixed(4))).toEqual(['0.0061', '0.1718'])
  })

  test('Newcombe’s interval of the difference of 56 of 70 and 48 of 80', () => {
    const { difference } = compareRates({ users: 80, conversions: 48 }, { users: 70, conversions: 56 }, 0.95)
    expect([difference.rate, difference.low, difference.high].map((value) => value.toFixed(4))).toEqual([
      '0.2000',
      '0.0524',
      '0.3339',
    ])
  })

  test('the p-value is that of the z-test: 2.65 standard deviations are 0.0040 on either side', () => {
    const { pValue } = compareRates({ users: 80, conversions: 48 }, { users: 70, conversions: 56 }, 0.95)
    expect(pValue).toBeCloseTo(0.00805, 5)
  })

  test('without users, or without a difference, nothing is found', () => {
    expect(rateOf({ users: 0, conversions: 0 }, 0.95)).toEqual({ rate: 0, low: 0, high: 1 })
    expect(compareRates({ users: 0, conversions: 0 }, { users: 9, conversions: 3 }, 0.95).pValue).toBe(1)
    expect(compareRates({ users: 5, conversions: 5 }, { users: 9, conversions: 9 }, 0.95).pValue).toBe(1)
  })

  test.each([
    [{ users: 3, conversions: 4 }, 0.95],
    [{ users: -1, conversions: 0 }, 0.95],
    [{ users: 3, conversions: 1 }, 1],
  ])('%j at %d is refused', (sample, level) => {
    expect(() => rateOf(sample, level)).toThrow(RangeError)
  })
})
