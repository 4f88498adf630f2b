import { type EpochMs, MINUTE_MS, SECOND_MS } from '@damson/core'

/** One line of a web server's log. */
export interface Hit {
  readonly at: EpochMs
  readonly address: string
  /** As it was logged; a request that was no HTTP has its text as `path` and no method. */
  readonly method: string
  readonly path: string
  readonly status: number
  readonly bytes: number
  readonly referrer: string
  readonly userAgent: string
}

export type SkipReason =
  | 'empty line'
  | 'no address'
  | 'no date'
  | 'invalid date'
  | 'no request'
  | 'invalid status'
  | 'invalid size'
  | 'no referrer'
  | 'no user agent'

export type ParsedLine = { readonly ok: true; readonly hit: Hit } | { readonly ok: false; readonly reason: SkipReason }

/**
 * Reads one line of the combined log format of Apache and nginx:
 * `address identity user [date] "request" status bytes "referrer" "user agent"`. A line that is not whole is not guessed
 * at: the reason names the first field that is missing. What follows the user agent is ignored.
 */
export function parseAccessLogLine(line: string): ParsedLine {
  if (line.trim() === '') return skip('empty line')
  const addressEnd = line.indexOf(' ')
  if (addressEnd <= 0) return skip('no address')
  const dateStart = line.indexOf(' [', addressEnd)
  const dateEnd = dateStart < 0 ? -1 : line.indexOf('] ', dateStart)
  if (dateEnd < 0) return skip('no date')
  const at = parseDate(line.slice(dateStart + 2, dateEnd))
  if (at === null) return skip('invalid date')

  const request = quoted(line, dateEnd + 2)
  if (request === null) return skip('no request')
  const statusEnd = line.indexOf(' ', request.end + 1)
  const status = line.slice(request.end + 1, statusEnd < 0 ? line.length : statusEnd)
  if (line[request.end] !== ' ' || !/^[1-9]\d\d$/.test(status)) return skip('invalid status')
  const bytesEnd = statusEnd < 0 ? -1 : line.indexOf(' ', statusEnd + 1)
  const bytes = statusEnd < 0 ? '' : line.slice(statusEnd + 1, bytesEnd < 0 ? line.length : bytesEnd)
  if (!/^(\d{1,15}|-)$/.test(bytes)) return skip('invalid size')
  const referrer = bytesEnd < 0 ? null : quoted(line, bytesEnd + 1)
  if (referrer === null) return skip('no referrer')
  const userAgent = line[referrer.end] === ' ' ? quoted(line, referrer.end + 1) : null
  if (userAgent === null) return skip('no user agent')

  const hit: Hit = {
    at,
    address: line.slice(0, addressEnd),
    ...parseRequest(request.text),
    status: Number(status),
    bytes: bytes === '-' ? 0 : Number(bytes),
    referrer: referrer.text === '-' ? '' : referrer.text,
    userAgent: userAgent.text,
  }
  return { ok: true, hit }
}

function skip(reason: SkipReason): ParsedLine {
  return { ok: false, reason }
}

/** The text between the quote at `start` and the next one without a backslash; `end` is behind it. */
function quoted(line: string, start: number): { readonly text: string; readonly end: number } | null {
  if (line[start] !== '"') return null
  for (let index = start + 1; index < line.length; index += 1) {
    const character = line[index]
    if (character === '\\') index += 1
    else if (character === '"') return { text: line.slice(start + 1, index), end: index + 1 }
  }
  return null
}

function parseRequest(request: string): Pick<Hit, 'method' | 'path'> {
  const match = /^([A-Z]+) (\S+)( HTTP\/[\d.]+)?$/.exec(request)
  return match === null ? { method: '', path: request } : { method: match[1] ?? '', path: match[2] ?? '' }
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Of hour, minute, second, and the hours and minutes of the zone. */
const LARGEST = [23, 59, 60, 23, 59]

/** `17/May/2015:10:05:03 +0200`; `null` if there is no such instant. */
function parseDate(text: string): EpochMs | null {
  const match = /^(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text)
  if (match === null) return null
  const [, day, monthName = '', year, hour, minute, second, sign, zoneHours, zoneMinutes] = match
  const month = MONTHS.indexOf(monthName)
  const numbers = [hour, minute, second, zoneHours, zoneMinutes].map(Number)
  // Sixty seconds are a leap second, which counts as the next one.
  if (month < 0 || numbers.some((number, index) => number > (LARGEST[index] ?? 0))) return null
  const midnight = Date.UTC(Number(year), month, Number(day))
  if (new Date(midnight).getUTCDate() !== Number(day)) return null
  const local = midnight + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * SECOND_MS
  const zoneMs = (Number(zoneHours) * 60 + Number(zoneMinutes)) * MINUTE_MS
  return sign === '+' ? local - zoneMs : local + zoneMs
}
