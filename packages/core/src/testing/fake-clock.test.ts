import { expect, test } from 'vitest'
import { fakeClock } from './fake-clock.ts'

test('a fake clock stands still until it is told', () => {
  const clock = fakeClock(1_000)
  expect([clock.now(), clock.now()]).toEqual([1_000, 1_000])
  clock.advance(500)
  expect(clock.now()).toBe(1_500)
  clock.set(2_000)
  expect(clock.now()).toBe(2_000)
})

test('a fake clock never goes back', () => {
  const clock = fakeClock(1_000)
  expect(() => clock.set(999)).toThrow('A clock never goes back: it is 1000, and was set to 999.')
  expect(() => clock.advance(-1)).toThrow(RangeError)
  expect(() => clock.advance(Number.NaN)).toThrow(RangeError)
  expect(clock.now()).toBe(1_000)
})
