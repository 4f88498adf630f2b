import type { Token } from './tokens.ts'

/**
 * What names meant in `segment`, the older filter of `exportUsers`: those of places and devices, with any case. Every other
 * name is a user attribute. @source assumed: specification 8.10 has `Country = "US"` and no more.
 */
const OLDER_NAMES: Readonly<Record<string, string>> = {
  country: 'place.country',
  region: 'place.region',
  city: 'place.city',
  locale: 'place.locale',
  timezone: 'place.timezone',
  appversion: 'app.version',
  systemname: 'device.systemName',
  systemversion: 'device.systemVersion',
  browsername: 'device.browserName',
  browserversion: 'device.browserVersion',
  devicename: 'device.deviceName',
  devicemodel: 'device.deviceModel',
  userid: 'user.id',
  userbucket: 'user.bucket',
}

const JOINING = new Set(['and', 'or', 'not', 'in', 'is', 'set', 'true', 'false'])
const RELATIONS = new Set(['contains', 'starts', 'ends', 'with'])
/** What may stand after the name of a fact. */
const OPERATORS = new Set(['=', '!=', '<', '<=', '>', '>=', 'in', 'is', 'not', ...RELATIONS])

/**
 * The tokens of a segment as those of an audience expression: words that join may be written with any case, and a name that
 * stands alone is one of `OLDER_NAMES` or an attribute. What an audience expression may say is left as it is. Places stay,
 * so that errors point to what was written.
 */
export function segmentTokens(tokens: readonly Token[]): readonly Token[] {
  return tokens.flatMap((token, index) => {
    if (token.kind !== 'name') return [token]
    const [before, after] = [tokens[index - 1], tokens[index + 1]]
    if (before?.text === '.' && before.kind === 'symbol') return [token]
    const word = token.text.toLowerCase()
    if (JOINING.has(word) || RELATIONS.has(word)) return [{ ...token, text: word }]
    if (after === undefined || after.kind === 'text' || !OPERATORS.has(after.text.toLowerCase())) return [token]
    const known = Object.hasOwn(OLDER_NAMES, word) ? OLDER_NAMES[word] : undefined
    const [of, field] = known?.split('.') ?? ['attribute', token.text]
    return [
      { ...token, text: of! },
      { ...token, kind: 'symbol' as const, text: '.' },
      { ...token, text: field! },
    ]
  })
}
