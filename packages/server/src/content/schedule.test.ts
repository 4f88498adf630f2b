import { DAY_MS, HOUR_MS, MINUTE_MS } from '@damson/core'
import { describe, expect, test } from 'vitest'
import { compileSchedule, scheduleProblem } from './schedule.ts'

const at = (text: string): number => Date.parse(text)
const told = (instant: number | null): string | null => (instant === null ? null : new Date(instant).toISOString())

describe('when a campaign runs', () => {
  test('once: at that time, and never again', () => {
    const { next, last } = compileSchedule({ at: '2026-12-01T09:00:00+01:00' })
    const time = at('2026-12-01T08:00:00Z')
    expect([next(time - 1), next(time)]).toEqual([time, null])
    expect([last(time - DAY_MS, time), last(time - DAY_MS, time - 1), last(time, time + DAY_MS)]).toEqual([
      time,
      null,
      null,
    ])
  })

  test('by the clock of a time zone, through its summer time', () => {
    const { next } = compileSchedule({ cron: '30 9 * * *', timezone: 'Europe/Berlin' })
    // 29 March 2026: from then on two hours before UTC.
    expect(told(next(at('2026-03-28T00:00:00Z')))).toBe('2026-03-28T08:30:00.000Z')
    expect(told(next(at('2026-03-28T12:00:00Z')))).toBe('2026-03-29T07:30:00.000Z')
    const night = compileSchedule({ cron: '30 2 * * *', timezone: 'Europe/Berlin' })
    // On 25 October 2026 it is half past two twice, and that night has one run.
    const first = night.next(at('2026-10-24T12:00:00Z'))!
    expect(told(night.next(first))).toBe('2026-10-26T01:30:00.000Z')
    // On 29 March 2026 there is no half past two: it is three.
    expect(told(night.next(at('2026-03-28T12:00:00Z')))).toBe('2026-03-29T01:00:00.000Z')
  })

  test('without a zone by UTC, whatever zone the process has', () => {
    const { next } = compileSchedule({ cron: '0 9 * * 1' })
    expect(told(next(at('2026-11-22T01:00:00Z')))).toBe('2026-11-23T09:00:00.000Z')
  })

  test('of many times that passed, the last one is told', () => {
    const { last } = compileSchedule({ cron: '*/5 * * * *' })
    const now = at('2026-11-22T01:12:00Z')
    expect(told(last(now - DAY_MS, now))).toBe('2026-11-22T01:10:00.000Z')
    expect(last(now - 2 * MINUTE_MS, now)).toBeNull()
  })

  test('not before its start, and not from its end on', () => {
    const source = { cron: '0 * * * *', start: '2026-11-22T03:00:00Z', end: '2026-11-22T05:00:00Z' }
    const { next } = compileSchedule(source)
    expect(told(next(at('2026-11-22T01:00:00Z')))).toBe('2026-11-22T03:00:00.000Z')
    expect(told(next(at('2026-11-22T03:00:00Z')))).toBe('2026-11-22T04:00:00.000Z')
    expect(next(at('2026-11-22T03:00:00Z') + HOUR_MS)).toBeNull()
  })

  test('never, if such a day never comes', () => {
    expect(compileSchedule({ cron: '0 0 31 2 *' }).next(at('2026-11-22T01:00:00Z'))).toBeNull()
  })

  test.each([
    [{}, 'at', 'expected at or cron, and found neither'],
    [{ at: '2026-12-01', cron: '0 9 * * *' }, 'cron', 'found both'],
    [{ at: '2026-12-01', timezone: 'UTC' }, 'timezone', 'expected it with cron only'],
    [{ cron: '0 9 * *' }, 'cron', "expected five fields such as '0 9 * * 1' (Mondays at nine)"],
    [{ cron: '* * * * * *' }, 'cron', 'expected five fields'],
    [{ cron: '61 9 * * *' }, 'cron', 'expected five fields'],
    [{ cron: '0 9 * * *', timezone: 'Mars/Olympus' }, 'timezone', "and found 'Mars/Olympus'"],
    [{ cron: '0 9 * * *', start: '2026-12-01', end: '2026-12-01' }, 'end', 'expected an end after the start'],
  ])('%j is refused', (source, field, reason) => {
    expect(scheduleProblem(source)).toEqual([field, expect.stringContaining(reason)])
    expect(scheduleProblem({ cron: '0 9 * * 1-5', timezone: 'America/Los_Angeles' })).toBeNull()
  })
})
