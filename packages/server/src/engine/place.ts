import { type Outcome, warned } from '@damson/core/protocol'
import type { Draft } from './draft.ts'
import {
  firstAcceptLanguage,
  isKnownCountry,
  isKnownTimezone,
  isOffset,
  isTimezoneAbbreviation,
  normaliseLocale,
} from './locales.ts'
import type { Place } from './profile.ts'
import type { Scene } from './scene.ts'

/** The word that asks us to find out ourselves (specification 7.5). */
export const DETECT = '(detect)'

const GEOGRAPHY = ['country', 'region', 'city', 'location'] as const
type Geography = (typeof GEOGRAPHY)[number]

const FIELDS = ['locale', ...GEOGRAPHY, 'locationAccuracyType', 'timezone', 'timezoneOffsetSeconds'] as const
type Field = (typeof FIELDS)[number]

/**
 * Takes over the fields that are given. One that is to be detected and cannot be stays as it was.
 * @returns a warning about the first value that is on no list; it is stored all the same
 */
export function setPlace(draft: Draft, given: Place, scene: Scene): Outcome | null {
  const { place } = draft.profile
  const next: Record<string, string | number> = {}
  let found: Pick<Place, Geography> | null | undefined
  let warning: Outcome | null = null
  for (const field of FIELDS) {
    let value = given[field]
    if (value === DETECT) {
      if (field === 'locale') value = firstAcceptLanguage(scene.caller.acceptLanguage) ?? undefined
      else if (isGeography(field)) value = (found === undefined ? (found = lookUp(scene)) : found)?.[field]
      else value = undefined
    }
    if (value === undefined || value === place[field]) continue
    next[field] = value
    if (!isKnown(field, value)) warning ??= warned('UNKNOWN_VALUE', { name: field, value: String(value) })
  }
  if (Object.keys(next).length > 0) draft.edit().place = { ...place, ...next }
  return warning
}

function isGeography(field: Field): field is Geography {
  return (GEOGRAPHY as readonly string[]).includes(field)
}

function lookUp({ caller, services }: Scene): Pick<Place, Geography> | null {
  return caller.address === null ? null : services.locator.locate(caller.address)
}

/** Whether a value is on the list there is for its field; regions and cities have none. @source assumed: specification 7.5 */
function isKnown(field: Field, value: string | number): boolean {
  switch (field) {
    case 'locale':
      return normaliseLocale(String(value)) !== null
    case 'country':
      return isKnownCountry(String(value))
    case 'timezone':
      return isTimezoneAbbreviation(String(value)) || isKnownTimezone(String(value))
    case 'timezoneOffsetSeconds':
      return isOffset(Number(value))
    case 'location':
      return isCoordinates(String(value))
    default:
      return true
  }
}

/** "latitude,longitude" in degrees. */
function isCoordinates(text: string): boolean {
  const [latitude, longitude, ...rest] = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)))
  return rest.length === 0 && Math.abs(latitude ?? NaN) <= 90 && Math.abs(longitude ?? NaN) <= 180
}
