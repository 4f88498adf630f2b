import { wire } from '../wire.ts'

/** Where the user is and speaks from (specification 7.5). `(detect)` is passed on: the handler knows the caller. */
export const PLACE_ARGS = {
  locale: wire.text().describe('For example en_US; `(detect)` takes it from the request.'),
  country: wire.text().describe("ISO 3166 alpha-2, or `(detect)` from the caller's address."),
  region: wire.text().describe('Region or state, or `(detect)`.'),
  city: wire.text().describe('City, or `(detect)`.'),
  location: wire.text().describe('"latitude,longitude", or `(detect)`.'),
  locationAccuracyType: wire
    .choice(['IP', 'CELL', 'GPS'], { anyCase: true })
    .describe('Where `location` comes from; IP if not said.'),
  timezone: wire.text().describe('Abbreviation or IANA name; kept as it is.'),
  timezoneOffsetSeconds: wire.integer().describe('Offset from GMT. Seconds.'),
}
