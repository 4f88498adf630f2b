import { DAY_MS, type EpochMs, HOUR_MS, MINUTE_MS, SECOND_MS } from '@damson/core'
import type { Occurrences } from '../../engine/profile.ts'
import { type CapSource, type LimitsSource, RATE_UNITS, type RateUnit } from './source.ts'

/** @source assumed: a month of a limit is 30 days; SDKs do not agree */
const UNIT_MS: Readonly<Record<RateUnit, number>> = {
  second: SECOND_MS,
  minute: MINUTE_MS,
  hour: HOUR_MS,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
}

interface Window {
  readonly times: number
  readonly ms: number
}

/** Limits, laid out for counting. */
export interface Limits {
  readonly user: number
  readonly session: number
  readonly nth: number | null
  readonly everyNth: number | null
  readonly windows: readonly Window[]
  /** How many past instants have to be remembered. */
  readonly remembered: number
}

export const NO_LIMITS: Limits = {
  user: Infinity,
  session: Infinity,
  nth: null,
  everyNth: null,
  windows: [],
  remembered: 0,
}

export function limitsOf(source: LimitsSource | CapSource | undefined): Limits {
  if (source === undefined) return NO_LIMITS
  const { user = Infinity, session = Infinity, nth, everyNth } = source as LimitsSource
  const windows = RATE_UNITS.flatMap((unit): Window[] => {
    const rate = (source as LimitsSource)[unit]
    if (rate === undefined) return []
    const { times, in: count } = typeof rate === 'number' ? { times: rate, in: 1 } : rate
    return [{ times, ms: count * UNIT_MS[unit] }]
  })
  return {
    user,
    session,
    nth: nth ?? null,
    everyNth: everyNth ?? null,
    windows,
    remembered: Math.max(0, ...windows.map(({ times }) => times)),
  }
}

/** Whether triggers have to be counted that sent nothing. */
export function countsTriggers({ nth, everyNth }: Limits): boolean {
  return nth !== null || everyNth !== null
}

/**
 * Whether once more is allowed. `session`: what happens now belongs to it; whatever happens outside of sessions counts as
 * one, until the next. `triggers` includes this one.
 */
export function allows(limits: Limits, before: Occurrences | undefined, session: string, now: EpochMs): boolean {
  const { count = 0, recent = [], triggers = 0 } = before ?? {}
  if (limits.nth !== null && triggers !== limits.nth) return false
  if (limits.everyNth !== null && triggers % limits.everyNth !== 0) return false
  if (count >= limits.user) return false
  if (before?.session === session && (before.inSession ?? 0) >= limits.session) return false
  return limits.windows.every(({ times, ms }) => {
    const earliest = recent[recent.length - times]
    return earliest === undefined || earliest <= now - ms
  })
}

/** One more trigger. */
export function triggered(before: Occurrences | undefined): Occurrences {
  return { ...before, count: before?.count ?? 0, triggers: (before?.triggers ?? 0) + 1 }
}

/** One more time it was sent, or held back. `session`: `null` if it was in none, and counts for none. */
export function occurred(
  { session: perSession, remembered }: Limits,
  before: Occurrences | undefined,
  session: string | null,
  now: EpochMs,
): Occurrences {
  const recent = [...(before?.recent ?? []), now].slice(-remembered)
  const inSession = before?.session === session ? (before.inSession ?? 0) + 1 : 1
  return {
    ...before,
    count: (before?.count ?? 0) + 1,
    ...(remembered > 0 && { recent }),
    ...(perSession !== Infinity && session !== null && { session, inSession }),
  }
}

/** Limits as SDKs read them. @source documented: specification 8.1, `whenLimits` */
export function wireLimits(source: LimitsSource = {}): Readonly<Record<string, unknown>> {
  const { user, session, nth, everyNth } = source
  const times = (verb: string, noun: number, objects: readonly number[] = []) => ({
    subject: 'times',
    verb,
    noun,
    objects,
  })
  const children = [
    ...(user === undefined ? [] : [times('limitUser', user)]),
    ...(session === undefined ? [] : [times('limitSession', session)]),
    ...RATE_UNITS.flatMap((unit) => {
      const rate = source[unit]
      if (rate === undefined) return []
      const verb = `limit${unit[0]!.toUpperCase()}${unit.slice(1)}`
      return [typeof rate === 'number' ? times(verb, rate, [1]) : times(verb, rate.times, [rate.in])]
    }),
    ...(nth === undefined ? [] : [{ subject: 'onNthOccurrence', verb: '', noun: nth, objects: [] }]),
    ...(everyNth === undefined ? [] : [{ subject: 'everyNthOccurrence', verb: '', noun: everyNth, objects: [] }]),
  ]
  return children.length === 0 ? { children: [], subject: null, objects: [] } : { children, verb: 'AND' }
}
