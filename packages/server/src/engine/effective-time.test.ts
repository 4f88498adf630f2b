import { DAY_MS, HOUR_MS } from '@damson/core'
import { describe, expect, test } from 'vitest'
import { effectiveTime, MAX_AGE_MS, MAX_SKEW_MS, SAME_CLOCK_MS, sendingTime } from './effective-time.ts'

const now = 1_700_000_000_000

describe('a single action', () => {
  test('without a time happened now', () => {
    expect(effectiveTime(null, null, now)).toEqual({ at: now, warning: null })
  })
  test('with a time happened then, whatever the clocks', () => {
    expect(effectiveTime(null, now - 5 * HOUR_MS, now).at).toBe(now - 5 * HOUR_MS)
  })
  test('in the near future happened now, without a warning', () => {
    expect(effectiveTime(null, now + MAX_SKEW_MS, now)).toEqual({ at: now, warning: null })
  })
  test('more than a day in the future is rewritten with a warning', () => {
    expect(effectiveTime(null, now + 3 * DAY_MS + 1, now)).toEqual({
      at: now,
      warning: { code: 'CLOCK_AHEAD', days: 3 },
    })
  })
  test('is believed up to exactly 365 days', () => {
    expect(effectiveTime(null, now - MAX_AGE_MS, now)).toEqual({ at: now - MAX_AGE_MS, warning: null })
    expect(effectiveTime(null, now - MAX_AGE_MS - 1, now)).toEqual({
      at: now,
      warning: { code: 'PAST_EVENT', days: 365 },
    })
  })
})

describe('an action of a multi', () => {
  test('is put on our clock by the difference of the client clocks', () => {
    expect(effectiveTime(now - HOUR_MS, now - 2 * HOUR_MS, now)).toEqual({ at: now - HOUR_MS, warning: null })
  })
  test('is put later by the time its request took, be it milliseconds', () => {
    expect(effectiveTime(now - 40, now - HOUR_MS, now)).toEqual({ at: now - HOUR_MS + 40, warning: null })
  })
  test('without its own time happened now', () => {
    expect(effectiveTime(now - HOUR_MS, null, now)).toEqual({ at: now, warning: null })
  })
  test('later than the sending happened now', () => {
    expect(effectiveTime(now, now + HOUR_MS, now).at).toBe(now)
  })
  test('from a clock up to a day off is corrected, beyond that rewritten', () => {
    expect(effectiveTime(now - MAX_SKEW_MS, now - MAX_SKEW_MS, now).warning).toBeNull()
    expect(effectiveTime(now - MAX_SKEW_MS - 1, null, now).warning).toEqual({ code: 'CLOCK_BEHIND', days: 1 })
    expect(effectiveTime(now + MAX_SKEW_MS + 1, null, now).warning).toEqual({ code: 'CLOCK_AHEAD', days: 1 })
  })
  test('a clock far off hides the age of the event', () => {
    expect(effectiveTime(now - 2 * DAY_MS, now - 3 * MAX_AGE_MS, now)).toEqual({
      at: now,
      warning: { code: 'CLOCK_BEHIND', days: 2 },
    })
  })
})

describe('a batch with exactTime', () => {
  const happenedAt = now - HOUR_MS
  const at = (sentAt: number): number => effectiveTime(sendingTime(sentAt, true, now), happenedAt, now).at

  test('is not put later because its request was slow: a difference of two seconds is the way and not the clock', () => {
    for (const late of [0, 1, 40, SAME_CLOCK_MS]) {
      expect(at(now - late)).toBe(happenedAt)
      expect(at(now + late)).toBe(happenedAt)
    }
  })
  test('is corrected like any other if the clocks differ by more', () => {
    expect(at(now - SAME_CLOCK_MS - 1)).toBe(happenedAt + SAME_CLOCK_MS + 1)
    expect(at(now + SAME_CLOCK_MS + 1)).toBe(happenedAt - SAME_CLOCK_MS - 1)
  })
  test('means nothing without a time', () => {
    expect(sendingTime(null, true, now)).toBeNull()
  })
})
