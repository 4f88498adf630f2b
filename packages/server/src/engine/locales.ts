import { HOUR_MS, SECOND_MS } from '@damson/core'

/** What `Accept-Language` may hold at most before we stop looking. */
const MAX_TAGS = 20

/**
 * A locale as SDKs write it (`en_US`, `zh_Hans_CN`), from that or from BCP 47 (`en-us`), checked against the languages,
 * scripts and regions of the runtime's CLDR. Old codes become the new (`iw_IL` is `he_IL`); encodings, calendars and
 * variants fall away. `null` when it is none.
 * @source documented: specification 8.1, "locale en_US"
 */
export function normaliseLocale(text: string): string | null {
  const [tag = ''] = text.trim().split(/[.@]/)
  const locale = parseLocale(tag.replaceAll('_', '-'))
  if (locale === null) return null
  const { language, script, region } = locale
  const isReal =
    isNamed('language', language) &&
    (script === undefined || isNamed('script', script)) &&
    (region === undefined || isNamed('region', region))
  return isReal ? [language, script, region].filter((part) => part !== undefined).join('_') : null
}

/** The first language a browser asks for, as `normaliseLocale` writes it. @source documented: specification 7.5 */
export function firstAcceptLanguage(header: string | null): string | null {
  for (const item of (header ?? '').split(',', MAX_TAGS)) {
    const [tag = '', ...parameters] = item.split(';').map((part) => part.trim())
    const isRefused = parameters.some((parameter) => /^q=0(\.0{0,3})?$/i.test(parameter))
    const locale = isRefused ? null : normaliseLocale(tag)
    if (locale !== null) return locale
  }
  return null
}

/**
 * Whether a name is in the runtime's time zone database, in any case, old names and links included. Abbreviations that
 * are names there too (`EST`, `CET`) are known; others (`PST`, `CEST`) mostly are not, and are stored as they come.
 */
export function isKnownTimezone(name: string): boolean {
  timezones ??= new Set(Intl.supportedValuesOf('timeZone'))
  if (timezones.has(name)) return true
  // The list has one name per zone; links are known to formatters only, which take a hundred times as long to ask.
  // Newer runtimes also format by offsets such as +02:00, which are no names.
  return /^[a-z]/i.test(name) && attempt(() => new Intl.DateTimeFormat('en', { timeZone: name })) !== null
}

let timezones: ReadonlySet<string> | undefined

/**
 * Whether a text has the form of a time zone abbreviation: three to six capital letters. There is no list to check
 * against: the time zone database holds those in use, and people write others.
 * @source documented: specification 7.5, "timezone: abbreviation per docs"
 */
export function isTimezoneAbbreviation(text: string): boolean {
  return /^[A-Z]{3,6}$/.test(text)
}

/** Inhabited places keep between UTC-12 and UTC+14. */
const WEST_MOST_SECONDS = (-12 * HOUR_MS) / SECOND_MS
const EAST_MOST_SECONDS = (14 * HOUR_MS) / SECOND_MS

/** Whether a number of seconds is a distance from UTC that a clock on Earth may have. */
export function isOffset(seconds: number): boolean {
  return Number.isInteger(seconds) && seconds >= WEST_MOST_SECONDS && seconds <= EAST_MOST_SECONDS
}

function parseLocale(tag: string): Intl.Locale | null {
  return attempt(() => new Intl.Locale(tag))
}

/** Whether two letters are a country of ISO 3166, as the runtime's CLDR has them. */
export function isKnownCountry(code: string): boolean {
  return /^[A-Z]{2}$/.test(code) && isNamed('region', code)
}

const names = new Map<string, Intl.DisplayNames>()

/** `fallback: 'none'` answers nothing for a code that has no name; unknown (`und`, `ZZ`) is a name and no place. */
function isNamed(type: 'language' | 'script' | 'region', code: string): boolean {
  // Of `und`, some runtimes say that it has no language at all.
  if (!code || code === 'und' || code === 'Zzzz' || code === 'ZZ') return false
  const display = names.get(type) ?? new Intl.DisplayNames('en', { type, fallback: 'none' })
  names.set(type, display)
  return display.of(code) !== undefined
}

/** Intl says no by throwing a RangeError. */
function attempt<T>(construct: () => T): T | null {
  try {
    return construct()
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
