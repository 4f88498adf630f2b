/** What a failure of PostgreSQL means for a transaction that has not asked for its commit yet. */
export type Failure =
  /** Nothing was written; the same again may succeed at once. */
  | 'again'
  /** Somebody else holds a row for too long. */
  | 'busy'
  /** No use to try again now. */
  | 'fatal'

/** @source https://www.postgresql.org/docs/15/errcodes-appendix.html */
const AGAIN = new Set([
  '23505', // unique_violation: another node was first with a row that did not exist when we looked
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '08000', // connection_exception and its kinds
  '08003',
  '08006',
  '25006', // read_only_sql_transaction: we are still connected to what has become a standby
])
const LOCK_NOT_AVAILABLE = '55P03'

/** What the library and the operating system say of a connection that is gone. */
const LOST =
  /connection (terminated|error)|not queryable|ECONNRESET|ECONNREFUSED|EPIPE|Client was closed|socket hang up/i

export function failureOf(error: unknown): Failure {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string }
  if (code === LOCK_NOT_AVAILABLE) return 'busy'
  if (typeof code === 'string' && AGAIN.has(code)) return 'again'
  return LOST.test(`${String(code)} ${message}`) ? 'again' : 'fatal'
}

/** Nobody can use the connection any more. */
export function isConnectionOver(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown }
  return isSilent(error) || (typeof code === 'string' && /^(57P|08)/.test(code))
}

/** The connection went away, so the server may have carried out what was sent; an error it sent itself says it did not. */
export function isSilent(error: unknown): boolean {
  const { severity } = (error ?? {}) as { severity?: unknown }
  return severity === undefined
}

/** The library knew already that the connection is gone, and sent nothing. */
export function isUnsent(error: unknown): boolean {
  return error instanceof Error && error.message.includes('not queryable')
}
