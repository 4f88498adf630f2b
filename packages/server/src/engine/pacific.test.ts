import { DAY_MS, HOUR_MS } from '@damson/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextPacificDay, pacificDate, pacificDay, pacificMidnight } from './pacific.ts'

test('a day begins at midnight Pacific time, in winter and in summer', () => {
  expect(pacificDay('20231110')).toBe(Date.UTC(2023, 10, 10, 8))
  expect(pacificDay('20230701')).toBe(Date.UTC(2023, 6, 1, 7))
})

test('the days on which clocks change begin at their first offset and have 23 or 25 hours', () => {
  const [spring, autumn] = [pacificDay('20230312')!, pacificDay('20231105')!]
  expect(spring).toBe(Date.UTC(2023, 2, 12, 8))
  expect(autumn).toBe(Date.UTC(2023, 10, 5, 7))
  expect(nextPacificDay(spring) - spring).toBe(23 * HOUR_MS)
  expect(nextPacificDay(autumn) - autumn).toBe(25 * HOUR_MS)
})

test.each(['', '2023', '20230230', '20231301', '2023-01-01', '20230001'])('%j is no day', (text) => {
  expect(pacificDay(text)).toBeNull()
})

test('every instant lies in its own day', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60 * 365 * DAY_MS }), (at) => {
      const midnight = pacificMidnight(at)
      expect(midnight).toBeLessThanOrEqual(at)
      expect(nextPacificDay(midnight)).toBeGreaterThan(at)
      expect(pacificDate(midnight)).toBe(pacificDate(at))
    }),
  )
})
