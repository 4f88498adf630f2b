import { expect, test } from 'vitest'
import { pooledDigits } from './random.ts'

test('no digits are given out twice, and each is one of sixteen', () => {
  const digits = pooledDigits(15)
  const given = Array.from({ length: 5_000 }, digits)
  expect(new Set(given).size).toBe(5_000)
  expect(given.every((text) => /^[0-9a-f]{15}$/.test(text))).toBe(true)
  expect(new Set(given.join('')).size).toBe(16)
})
