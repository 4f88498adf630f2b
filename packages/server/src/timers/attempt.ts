import { DamsonError, type EpochMs, HOUR_MS } from '@damson/core'
import type { Egress } from '../services/egress.ts'
import { reasonOf } from '../services/reason.ts'
import type { Settlement } from '../store/deliveries.ts'

/** How long after each failed try the next one comes. @source assumed: specification 8.9, unknowns 83 */
const WAITS_HOURS = [1, 2, 4, 8, 10, 10, 10, 10, 10] as const
export const TRIES_MAX = WAITS_HOURS.length + 1

/** What came of one try: whether the destination works at all, and what becomes of the delivery. */
export interface Attempted {
  readonly isUp: boolean
  /** To be done before it is settled; it may be done again after a crash. */
  readonly record?: () => Promise<void>
  readonly settlement: Settlement
}

export interface Try {
  readonly url: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** Which one it is, from 1. */
  readonly attempt: number
  readonly at: EpochMs
  /** Ends the try when the server stops. */
  readonly signal: AbortSignal
}

/**
 * Calls once. Any answer below 500 is final: up to 299 it arrived, from 300 it was refused for good. Everything else may
 * be better later. @source documented: specification 8.9; that what is refused is kept for people to look at is ours
 */
export async function attempt(
  egress: Egress,
  { url, body, headers, attempt: number, at, signal }: Try,
): Promise<Attempted> {
  const failed = (note: string): Settlement => ({ type: 'failed', at, note })
  try {
    const { status } = await egress(url, { method: 'POST', headers, body, signal, headOnly: true })
    if (status < 300) return { isUp: true, settlement: { type: 'done' } }
    const note = `answered ${status}${status < 400 ? '; redirects are not followed' : ''}`
    if (status < 500) return { isUp: true, settlement: failed(note) }
    return { isUp: false, settlement: later(number, at, note) }
  } catch (error) {
    // The server stops: nobody knows whether it arrived, so it is told again as soon as there is a server.
    if (signal.aborted) return { isUp: true, settlement: again(number, at, at, 'cut off because the server stopped') }
    if (DamsonError.isInstance(error) && !error.isRetryable) return { isUp: true, settlement: failed(error.code) }
    return { isUp: false, settlement: later(number, at, reasonOf(error)) }
  }
}

/** The next try, or the end. */
function later(number: number, at: EpochMs, note: string): Settlement {
  return again(number, at, at + (WAITS_HOURS[number - 1] ?? 0) * HOUR_MS, note)
}

function again(number: number, at: EpochMs, dueAt: EpochMs, note: string): Settlement {
  return number >= TRIES_MAX ? { type: 'failed', at, note } : { type: 'again', dueAt, note }
}
