/** Headers as the platforms hand them over: `Headers` of the web, or the lower-case record of `node:http`. */
export type HeaderSource =
  { get(name: string): string | null } | Readonly<Record<string, string | readonly string[] | undefined>>

/** One way to read a header, whatever the platform. Names in lower case; a repeated header gives its first value. */
export interface HeaderReader {
  get(name: string): string | null
}

export function headersOf(source: HeaderSource): HeaderReader {
  return isHeaders(source) ? source : { get: (name) => headerOf(source, name) }
}

/** One header, where making a reader for it would be all the work there is. */
export function headerOf(source: HeaderSource, name: string): string | null {
  if (isHeaders(source)) return source.get(name)
  const value = Object.hasOwn(source, name) ? source[name] : undefined
  return (typeof value === 'object' ? value[0] : value) ?? null
}

/**
 * Whether the browser fetched this ahead of time, so that nobody may ever have looked at it: links prefetched or
 * prerendered by the browser, and by the router of Next.
 */
export function isPrefetch(source: HeaderSource): boolean {
  if (headerOf(source, 'next-router-prefetch') !== null || headerOf(source, 'x-middleware-prefetch') !== null)
    return true
  return PURPOSES.some((name) => headerOf(source, name)?.toLowerCase().includes('prefetch'))
}

/** Chrome's and the standard's, older Chrome's, Safari's, Firefox's. */
const PURPOSES = ['sec-purpose', 'purpose', 'x-purpose', 'x-moz']

/** A header that happens to be called "get" is text, not a method. */
function isHeaders(source: HeaderSource): source is { get(name: string): string | null } {
  return typeof source.get === 'function'
}
