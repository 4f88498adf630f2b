import { headerOf, isPrefetch } from '@damson/core/web'
import type { IncomingMessage } from 'node:http'

/** What Express adds to a request, in either version. All of it may be missing: `node:http` has none. */
interface ExpressParts {
  readonly baseUrl?: unknown
  readonly originalUrl?: unknown
  readonly route?: { readonly path?: unknown }
  readonly app?: { get?(setting: string): unknown }
}

/** The path below the place where the middleware is mounted. Cut by hand: request targets like `//` are no URLs. */
export function pathOf(request: IncomingMessage): string {
  return withoutQuery(request.url ?? '/')
}

/** What the app calls the page: the route's pattern, which says `/orders/:id` and keeps the id; else the path. */
export function routeOf(request: IncomingMessage): string {
  const { baseUrl, originalUrl, route } = request as ExpressParts
  if (typeof route?.path === 'string') return `${typeof baseUrl === 'string' ? baseUrl : ''}${route.path}`
  return withoutQuery(typeof originalUrl === 'string' ? originalUrl : (request.url ?? '/'))
}

function withoutQuery(target: string): string {
  const mark = target.indexOf('?')
  return mark < 0 ? target : target.slice(0, mark)
}

/** A person went to a page, as opposed to a page fetching something, or a program. */
export function isNavigation(request: IncomingMessage): boolean {
  if (request.method !== 'GET' && request.method !== 'POST') return false
  const mode = headerOf(request.headers, 'sec-fetch-mode')
  return mode === null ? acceptsPages(request) : mode === 'navigate'
}

/** Whoever is no browser will not bring a cookie back. */
export function isBrowser(request: IncomingMessage): boolean {
  const { headers } = request
  return (
    headerOf(headers, 'sec-fetch-mode') !== null ||
    headerOf(headers, 'sec-fetch-site') !== null ||
    acceptsPages(request)
  )
}

function acceptsPages(request: IncomingMessage): boolean {
  return headerOf(request.headers, 'accept')?.includes('text/html') === true
}

const ASSET = /\.(?:avif|css|gif|ico|jpe?g|js|json|map|mjs|mp[34]|png|svg|txt|ttf|webm|webmanifest|webp|woff2?|xml)$/i

/** Requests that say nothing about a person. */
export function isNoSign(request: IncomingMessage): boolean {
  const { method } = request
  if (method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE') return true
  return ASSET.test(pathOf(request)) || isPrefetch(request.headers)
}

/** The host the browser asked for. `X-Forwarded-Host` counts only from a proxy that the app's `trust proxy` names. */
export function hostOf(request: IncomingMessage): string | null {
  const { headers } = request
  const forwarded = headerOf(headers, 'x-forwarded-host')
  const trust = (request as ExpressParts).app?.get?.('trust proxy fn')
  if (forwarded === null || typeof trust !== 'function') return headerOf(headers, 'host')
  const isTrusted = (trust as (address: string | undefined, hop: number) => boolean)(request.socket.remoteAddress, 0)
  return isTrusted ? (forwarded.split(',')[0] ?? '').trim() : headerOf(headers, 'host')
}
