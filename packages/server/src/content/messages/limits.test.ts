import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '@damson/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Occurrences } from '../../engine/profile.ts'
import { allows, limitsOf, occurred, triggered } from './limits.ts'
import { type LimitsSource, RATE_UNITS, type RateUnit } from './source.ts'

const MS: Record<RateUnit, number> = {
  second: SECOND_MS,
  minute: MINUTE_MS,
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
}

/** The same, remembering everything there ever was. */
function naively(source: LimitsSource, moments: readonly Moment[]): boolean[] {
  const sends: Moment[] = []
  return moments.map((moment, index) => {
    const { user, session, nth, everyNth } = source
    const isTooMuch =
      (user !== undefined && sends.length >= user) ||
      (session !== undefined && sends.filter((one) => one.session === moment.session).length >= session) ||
      (nth !== undefined && index + 1 !== nth) ||
      (everyNth !== undefined && (index + 1) % everyNth !== 0) ||
      RATE_UNITS.some((unit) => {
        const rate = source[unit]
        if (rate === undefined) return false
        const { times, in: count } = typeof rate === 'number' ? { times: rate, in: 1 } : rate
        return sends.filter(({ at }) => at > moment.at - count * MS[unit]).length >= times
      })
    if (!isTooMuch) sends.push(moment)
    return !isTooMuch
  })
}

function really(source: LimitsSource, moments: readonly Moment[]): boolean[] {
  const limits = limitsOf(source)
  let known: Occurrences | undefined
  return moments.map(({ at, session }) => {
    known = triggered(known)
    const isAllowed = allows(limits, known, session, at)
    if (isAllowed) known = occurred(limits, known, session, at)
    // Kept as JSON between two turns, and never more than the limits ask for.
    known = JSON.parse(JSON.stringify(known)) as Occurrences
    expect(known.recent?.length ?? 0).toBeLessThanOrEqual(limits.remembered)
    return isAllowed
  })
}

interface Moment {
  readonly at: number
  readonly session: string
}

const few = fc.integer({ min: 1, max: 4 })
const rate = fc.oneof(few, fc.record({ times: few, in: few }))
const limits: fc.Arbitrary<LimitsSource> = fc
  .record(
    {
      user: fc.integer({ min: 1, max: 12 }),
      session: few,
      nth: few,
      everyNth: few,
      ...Object.fromEntries(RATE_UNITS.map((unit) => [unit, rate])),
    },
    { requiredKeys: [] },
  )
  .map((source) => source as LimitsSource)

/** Steps of every size there are limits of; a session is left for good when the next one begins. */
const moments: fc.Arbitrary<readonly Moment[]> = fc
  .array(
    fc.record({
      unit: fc.constantFrom(...RATE_UNITS),
      part: fc.constantFrom(0, 0.25, 0.5, 1, 1, 2),
      isNext: fc.boolean(),
    }),
    { maxLength: 30 },
  )
  .map((steps) => {
    let at = 1_700_000_000_000
    let session = 0
    return steps.map(({ unit, part, isNext }) => {
      at += part * MS[unit]
      if (isNext) session += 1
      return { at, session: String(session) }
    })
  })

test('limits let through what they would if everything were remembered', () => {
  fc.assert(
    fc.property(limits, moments, (source, steps) => {
      expect(really(source, steps)).toEqual(naively(source, steps))
    }),
    { numRuns: 2_000 },
  )
})

test('without limits nothing is kept back', () => {
  fc.assert(fc.property(moments, (steps) => really({}, steps).every(Boolean)))
})
