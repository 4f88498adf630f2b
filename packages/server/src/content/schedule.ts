import { DAY_MS, type EpochMs } from '@damson/core'
import { Cron } from 'croner'
import { isoInstant } from './audience/literals.ts'

/** When a campaign runs: once, or again and again. */
export interface ScheduleSource {
  /** ISO 8601. */
  readonly at?: string | undefined
  /** Minute, hour, day of the month, month, day of the week, as cron has them. */
  readonly cron?: string | undefined
  /** Of `cron`: an IANA name; UTC without one. */
  readonly timezone?: string | undefined
  /** Of `cron`: no run before, none from `end` on. */
  readonly start?: string | undefined
  readonly end?: string | undefined
}

export interface Schedule {
  /** The first time that lies after `after`; `null` if there is none. */
  next(after: EpochMs): EpochMs | null
  /** The last time in (after, until]; `null` if there is none. */
  last(after: EpochMs, until: EpochMs): EpochMs | null
}

/** How late a run may begin: a newsletter of the day before yesterday is better not sent. */
export const LATE_MAX_MS = DAY_MS

/** Pure: the same for the same instants, whatever time zone the process has. @throws {Error} `scheduleProblem` says why */
export function compileSchedule(source: ScheduleSource): Schedule {
  const next = nextOf(source)
  return {
    next,
    last(after, until) {
      let found: EpochMs | null = null
      // At most one a minute of a day: nobody asks about a longer while.
      for (let at = next(after); at !== null && at <= until; at = next(at)) found = at
      return found
    },
  }
}

function nextOf({ at, cron, timezone, start, end }: ScheduleSource): Schedule['next'] {
  if (cron === undefined) {
    const once = isoInstant(at ?? '') ?? -Infinity
    return (after) => (once > after ? once : null)
  }
  const pattern = patternOf(cron, timezone)
  const from = start === undefined ? -Infinity : (isoInstant(start) ?? -Infinity)
  const to = end === undefined ? Infinity : (isoInstant(end) ?? Infinity)
  return (after) => {
    const found = pattern.nextRun(new Date(Math.max(after, from - 1)))?.getTime() ?? null
    return found === null || found >= to ? null : found
  }
}

/** What is wrong with a schedule, and in which field; `null` if nothing is. */
export function scheduleProblem({ at, cron, timezone, start, end }: ScheduleSource): readonly [string, string] | null {
  if ((at === undefined) === (cron === undefined))
    return at === undefined
      ? ['at', 'expected at or cron, and found neither']
      : ['cron', 'expected at or cron, and found both']
  if (cron === undefined) {
    const extra = Object.entries({ timezone, start, end }).find(([, value]) => value !== undefined)
    return extra === undefined ? null : [extra[0], 'expected it with cron only: at has its zone in itself']
  }
  try {
    patternOf(cron, undefined)
  } catch (error) {
    return ['cron', `expected five fields such as '0 9 * * 1' (Mondays at nine): ${reasonOf(error)}`]
  }
  if (timezone !== undefined && !isTimeZone(timezone))
    return ['timezone', `expected a time zone such as Europe/Berlin, and found '${timezone}'`]
  if (start !== undefined && end !== undefined && (isoInstant(start) ?? 0) >= (isoInstant(end) ?? 0))
    return ['end', 'expected an end after the start']
  return null
}

function patternOf(cron: string, timezone: string | undefined): Cron {
  return new Cron(cron, { mode: '5-part', timezone: timezone ?? 'UTC', paused: true })
}

function isTimeZone(name: string): boolean {
  try {
    Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error)
}
