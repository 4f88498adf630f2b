import { DAY_MS, SECOND_MS } from '../clock.ts'
import { DamsonError } from '../errors.ts'

export interface CookieOptions {
  /** Without its prefix. Default `damson`; a secure cookie for the whole host is called `__Host-damson`. */
  readonly name?: string | undefined
  /** How long a browser keeps it after the last renewal. Default 400, the most that browsers allow. */
  readonly maxAgeDays?: number | undefined
  /** Default `/`. */
  readonly path?: string | undefined
  /** Default `true`. `false` is for plain HTTP on a developer's machine. */
  readonly secure?: boolean | undefined
  /** Shares the visitor among subdomains; without it the cookie belongs to one host. */
  readonly domain?: string | undefined
}

/** A cookie as frameworks take it that write the header themselves. */
export interface Cookie {
  readonly name: string
  readonly value: string
  /** Seconds. */
  readonly maxAge: number
  readonly path: string
  readonly domain?: string
  readonly httpOnly: true
  readonly secure: boolean
  readonly sameSite: 'lax'
}

/** A cookie, decided once: what it is called and what stands behind its value. */
export interface CookieShape {
  readonly name: string
  readonly maxAgeMs: number
  of(value: string): Cookie
}

/** @throws {DamsonError} COOKIE_INVALID: a name, path or domain that would break the header. */
export function cookieShape(options: CookieOptions = {}): CookieShape {
  const { name: plain = 'damson', maxAgeDays = 400, path = '/', secure = true, domain } = options
  if (!/^[\w-]+$/.test(plain)) throw invalid('name', plain, 'letters, digits, "-" and "_"')
  if (!/^\/[^;\s]*$/.test(path)) throw invalid('path', path, 'a path that begins with "/"')
  if (domain !== undefined && !/^[\w.-]+$/.test(domain)) throw invalid('domain', domain, 'a host name')
  if (!(maxAgeDays > 0)) throw invalid('maxAgeDays', String(maxAgeDays), 'a number above 0')
  const name = `${prefixOf(secure, path, domain)}${plain}`
  const maxAgeMs = maxAgeDays * DAY_MS
  const maxAge = Math.floor(maxAgeMs / SECOND_MS)
  const of = (value: string): Cookie => {
    return {
      name,
      value,
      maxAge,
      path,
      httpOnly: true,
      secure,
      sameSite: 'lax',
      ...(domain !== undefined && { domain }),
    }
  }
  return { name, maxAgeMs, of }
}

/** The whole `Set-Cookie` header. */
export function setCookie({ name, value, maxAge, path, domain, secure }: Cookie): string {
  const shared = domain === undefined ? '' : `; Domain=${domain}`
  return `${name}=${value}; Max-Age=${maxAge}; Path=${path}${shared}; HttpOnly${secure ? '; Secure' : ''}; SameSite=Lax`
}

/** With its prefix a browser takes the cookie from this host over TLS only, so no neighbouring subdomain can plant one. */
function prefixOf(secure: boolean, path: string, domain: string | undefined): string {
  if (!secure) return ''
  return path === '/' && domain === undefined ? '__Host-' : '__Secure-'
}

/** Every value of one name, as sent: a cookie planted for a wider path or domain may stand beside ours. */
export function cookieValues(header: string, name: string): readonly string[] {
  const values: string[] = []
  const start = `${name}=`
  for (let at = header.indexOf(start); at >= 0; at = header.indexOf(start, at + 1)) {
    if (!beginsPair(header, at)) continue
    const end = header.indexOf(';', at)
    values.push(header.slice(at + start.length, end < 0 ? undefined : end).trimEnd())
  }
  return values
}

/** As opposed to standing in another cookie's name or value. */
function beginsPair(header: string, at: number): boolean {
  return at === 0 || header.slice(header.lastIndexOf(';', at - 1) + 1, at).trim() === ''
}

function invalid(option: string, found: string, expected: string): DamsonError {
  return new DamsonError(
    'COOKIE_INVALID',
    `The cookie's ${option} must be ${expected}, found ${JSON.stringify(found)}.`,
  )
}
