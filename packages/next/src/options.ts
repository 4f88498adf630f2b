import type { Client, ClientOptions, Consent, Params } from '@damson/core'
import type { CookieOptions, HeaderReader } from '@damson/core/web'

/** A request as `identify` sees it: a page's, an action's, a route's or a failed one's. */
export interface IdentifiedRequest {
  readonly headers: HeaderReader
}

export interface DamsonOptions<E extends object = Record<string, Params>> {
  /** A client of your own, or what one is made from at the first request: a build needs no keys. */
  readonly client: Client<E> | ClientOptions<E>
  /** Sign the visitor's cookie; newest first, 32 characters or more each: `openssl rand -hex 32`. */
  readonly secrets: readonly string[]
  /**
   * The id of the signed-in user, from your own session; nobody if it says nothing. Asked for every request we track, so it
   * should be quick. `cookies()` of `next/headers` may be used.
   */
  readonly identify?: (request: IdentifiedRequest) => UserId | Promise<UserId>
  /** What this visitor has agreed to, e.g. `({ headers }) => consentFromHeaders(headers)`. */
  readonly consent?: (request: IdentifiedRequest) => Consent
  readonly cookie?: CookieOptions
  /**
   * The event of a visited page, with its `path`; default `Page viewed`. `false` counts no pages, and only keeps the
   * session open.
   */
  readonly pageEvent?: string | false
  /** What a page may track by itself, apart from page views. Whatever comes from a page can be made up. */
  readonly allowEvents?: readonly string[]
  /** Trouble of the tracking, which never reaches your pages. Default `console.error`. */
  readonly onError?: (error: unknown) => void
}

type UserId = string | null | undefined

/** What `createDamson` was told, with every default in place. */
export interface Settings<E extends object> extends Required<Omit<DamsonOptions<E>, 'cookie' | 'consent'>> {
  readonly cookie: CookieOptions | undefined
  readonly consent: ((request: IdentifiedRequest) => Consent | undefined) | undefined
}

export function settingsOf<E extends object>(options: DamsonOptions<E>): Settings<E> {
  return {
    identify: () => null,
    pageEvent: 'Page viewed',
    allowEvents: [],
    onError: (error) => console.error('damson:', error), // oxlint-disable-line no-console -- trouble must be seen somewhere
    ...options,
    cookie: options.cookie,
    consent: options.consent,
  }
}
