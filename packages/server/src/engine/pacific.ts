import { type EpochMs, HOUR_MS, MINUTE_MS } from '@damson/core'

/** Days of exports and quotas begin at midnight there. @source documented: specification 8.10 */
const PACIFIC = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/Los_Angeles',
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
})

/** When a day written as `YYYYmmdd` begins; `null` if there is no such day. */
export function pacificDay(text: string): EpochMs | null {
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(text) ?? []
  if (year === undefined || month === undefined || day === undefined) return null
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day))
  const date = new Date(midnight)
  if (date.getUTCMonth() + 1 !== Number(month) || date.getUTCDate() !== Number(day)) return null
  // Clocks change at two in the morning: eight hours after midnight UTC the day's first offset still holds.
  return midnight - offsetAt(midnight + 8 * HOUR_MS)
}

/** The instant at which the day that holds `at` begins. */
export function pacificMidnight(at: EpochMs): EpochMs {
  return pacificDay(pacificDate(at).replaceAll('-', '')) as EpochMs
}

/** The day that holds `at`, as `YYYY-MM-DD`. */
export function pacificDate(at: EpochMs): string {
  const { year, month, day } = partsOf(at)
  return `${year}-${month}-${day}`
}

/** The first instant of the day after the one that begins at `midnight`. */
export function nextPacificDay(midnight: EpochMs): EpochMs {
  // The longest day has 25 hours, so this lies in the next one.
  return pacificMidnight(midnight + 30 * HOUR_MS)
}

/** How far local time is ahead of UTC. Milliseconds, negative. */
function offsetAt(at: EpochMs): number {
  const { year, month, day, hour, minute } = partsOf(at)
  const local = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute))
  return local - Math.floor(at / MINUTE_MS) * MINUTE_MS
}

function partsOf(at: EpochMs): Readonly<Record<string, string>> {
  return Object.fromEntries(PACIFIC.formatToParts(at).map(({ type, value }) => [type, value]))
}
