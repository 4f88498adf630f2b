/**
 * `null` for what is no URL. Not by `URL.canParse`: in Node 20 it begins to refuse hosts such as `ü.example` once it was
 * called some thousand times, because its optimised form mistakes Latin-1 for UTF-8.
 */
export function parseUrl(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}

export function isHttpUrl(text: string): boolean {
  return /^https?:$/.test(parseUrl(text)?.protocol ?? '')
}
