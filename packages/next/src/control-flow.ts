/**
 * Next steers by throwing: `redirect()`, `notFound()`, and the signals by which a page that is being prerendered says that
 * it needs a request. They carry a digest of Next's own, and whoever keeps one of them to himself breaks the page.
 */
export function isControlFlow(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  const { digest, code, $$typeof } = error as Readonly<Record<string, unknown>>
  if ($$typeof === Symbol.for('react.postpone') || code === 'NEXT_STATIC_GEN_BAILOUT') return true
  return typeof digest === 'string' && DIGESTS.some((known) => digest === known || digest.startsWith(`${known};`))
}

/** An action that ends with `redirect()` has done its work. */
export function isRedirect(error: unknown): boolean {
  const digest = (error as { digest?: unknown } | null | undefined)?.digest
  return typeof digest === 'string' && digest.startsWith(REDIRECT)
}

const REDIRECT = 'NEXT_REDIRECT'

const DIGESTS = [
  REDIRECT,
  'NEXT_HTTP_ERROR_FALLBACK',
  'NEXT_NOT_FOUND',
  'DYNAMIC_SERVER_USAGE',
  'BAILOUT_TO_CLIENT_SIDE_RENDERING',
  'HANGING_PROMISE_REJECTION',
  'NEXT_PRERENDER_INTERRUPTED',
]
