/** `pending` keeps what happens until the user has decided, in memory only and never on a disk. */
export type Consent = 'granted' | 'denied' | 'pending'

type HeaderSource =
  { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * `denied` if the browser sent Global Privacy Control or Do Not Track, else `otherwise`. Takes `Headers` or the lower-case
 * record of `node:http`.
 */
export function consentFromHeaders(headers: HeaderSource, otherwise: Consent = 'granted'): Consent {
  return header(headers, 'sec-gpc') === '1' || header(headers, 'dnt') === '1' ? 'denied' : otherwise
}

/** The same for a page: pass `navigator`. */
export function consentFromNavigator(
  navigator: { readonly doNotTrack?: string | null; readonly globalPrivacyControl?: boolean },
  otherwise: Consent = 'granted',
): Consent {
  return navigator.globalPrivacyControl === true || navigator.doNotTrack === '1' ? 'denied' : otherwise
}

function header(headers: HeaderSource, name: string): unknown {
  return typeof headers.get === 'function' ? headers.get(name) : (headers as Readonly<Record<string, unknown>>)[name]
}
