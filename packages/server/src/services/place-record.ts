import { z } from 'zod'
import type { Place } from '../engine/profile.ts'

/** What an address tells of a place. Fields the database does not know are absent; there is at least one. */
export type LocatedPlace = Pick<Place, 'country' | 'region' | 'city' | 'location'>

const text = z.string().min(1).optional().catch(undefined)
const degrees = z.number().optional().catch(undefined)
const named = z
  .object({ iso_code: text, names: z.object({ en: text }).optional() })
  .optional()
  .catch(undefined)

/** A record of GeoLite2-City, GeoIP2-City, DB-IP's own files and everything else in MaxMind's form. */
const nestedRecord = z.object({
  country: named,
  subdivisions: z.array(named).optional().catch(undefined),
  city: named,
  location: z.object({ latitude: degrees, longitude: degrees }).optional().catch(undefined),
})

/** A record of `@ip-location-db/*-mmdb`; regions have names there and no codes. */
const flatRecord = z.object({ country_code: text, state1: text, city: text, latitude: degrees, longitude: degrees })

/**
 * Reads a record of either form: country by ISO 3166-1, region by ISO 3166-2 without its country where the database
 * has it and by name where not, city in English, location as `latitude,longitude`. `null` when none of them is known.
 */
export function placeOf(record: unknown): LocatedPlace | null {
  const nested = nestedRecord.safeParse(record).data ?? {}
  const flat = flatRecord.safeParse(record).data ?? {}
  const region = nested.subdivisions?.[0]
  return known({
    country: nested.country?.iso_code ?? flat.country_code,
    region: region?.iso_code ?? region?.names?.en ?? flat.state1,
    city: nested.city?.names?.en ?? flat.city,
    location: coordinates(nested.location ?? flat),
  })
}

/** Four decimals are eleven metres, finer than any address is known; some databases store 32-bit floats. */
function coordinates(at: { latitude?: number | undefined; longitude?: number | undefined }): string | undefined {
  if (at.latitude === undefined || at.longitude === undefined) return undefined
  return [at.latitude, at.longitude].map((angle) => Number(angle.toFixed(4))).join(',')
}

function known(fields: { readonly [Field in keyof LocatedPlace]-?: string | undefined }): LocatedPlace | null {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return entries.length === 0 ? null : (Object.fromEntries(entries) as LocatedPlace)
}
