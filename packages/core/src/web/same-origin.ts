import { headersOf, type HeaderSource } from './headers.ts'

export interface OriginQuestion {
  readonly headers: HeaderSource
  /** The host the page was asked for, with its port; the `Host` header if it is not said. Behind a proxy: the outer one. */
  readonly host?: string | null | undefined
}

/**
 * Whether a request that changes something was sent by a page of this very site. A browser says so in `Sec-Fetch-Site`,
 * which no page can set; browsers without it, and sites without TLS, send `Origin`. Who says neither is refused.
 */
export function isSameOrigin({ headers: source, host }: OriginQuestion): boolean {
  const headers = headersOf(source)
  const site = headers.get('sec-fetch-site')
  if (site !== null) return site === 'same-origin'
  const origin = headers.get('origin')
  const own = host ?? headers.get('host')
  if (origin === null || own === null || own === '') return false
  const match = /^(https?):\/\/([^/?#@\s]+)$/i.exec(origin)
  if (match === null) return false
  const [, scheme = '', authority = ''] = match
  return withoutPort(authority, scheme) === withoutPort(own, scheme)
}

/** A browser leaves the scheme's own port out of `Origin`; a client or proxy may still write it into `Host`. */
function withoutPort(authority: string, scheme: string): string {
  const usual = scheme.toLowerCase() === 'https' ? ':443' : ':80'
  const host = authority.toLowerCase()
  return host.endsWith(usual) ? host.slice(0, -usual.length) : host
}
