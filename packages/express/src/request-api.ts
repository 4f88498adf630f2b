import type { EpochMs, Params, Tracker } from '@damson/core'
import type { IncomingMessage } from 'node:http'
import { scopeOf } from './registry.ts'

/** A session as this process knows it. */
export interface SessionView {
  readonly phase: 'active' | 'paused' | 'background'
  readonly startedAt: EpochMs
  readonly lastActivityAt: EpochMs
  /** From its start to its last activity without the pauses. Milliseconds. */
  readonly activeMs: number
}

/** The tracker of whoever this request belongs to. @throws {DamsonError} MIDDLEWARE_MISSING */
export function getTracker<E extends object = Record<string, Params>>(request: IncomingMessage): Tracker<E> {
  return scopeOf(request, 'getTracker(req)').tracker()
}

/**
 * The session of whoever this request belongs to; `null` while none is known to be open: a visitor's first request has none
 * yet, unless something was tracked. @throws {DamsonError} MIDDLEWARE_MISSING
 */
export function getSession(request: IncomingMessage): SessionView | null {
  const { session } = scopeOf(request, 'getSession(req)').tracker()
  if (session === null || session.phase === 'closed') return null
  const { phase, startedAt, lastActivityAt, pausedMs } = session
  return { phase, startedAt, lastActivityAt, activeMs: lastActivityAt - startedAt - pausedMs }
}

/**
 * Ends the session of the user who was signed in, before or after your own sign-out, and gives the browser the cookie of a
 * stranger: await it before you answer. It takes no request and never rejects. @throws {DamsonError} MIDDLEWARE_MISSING
 */
export function logout(request: IncomingMessage): Promise<void> {
  return scopeOf(request, 'logout(req)').logout()
}
