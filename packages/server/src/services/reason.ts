/** Why a call did not work: in a word, and without a URL. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (isTimeout(cause)) return 'no answer in time'
  const { code } = cause as { readonly code?: unknown }
  return typeof code === 'string' ? code : 'the connection failed'
}

/** Requests that a signal ends say so first, and only then why. */
function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'TimeoutError' || isTimeout(error.cause)
}
