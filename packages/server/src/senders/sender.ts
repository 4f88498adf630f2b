import { DamsonError, type EpochMs } from '@damson/core'
import type { OutgoingPart } from '../engine/messages/outgoing.ts'
import type { MailAddresses } from '../services/mail-links.ts'
import { reasonOf } from '../services/reason.ts'

/**
 * What came of handing one message over. `reason` is a word or a number for people and for the history: no address, no
 * token, no URL.
 */
export type SendOutcome =
  /** Taken by somebody who passes it on, and does not say whether it arrives. */
  | { readonly type: 'sent' }
  /** Taken by whom it was meant for. */
  | { readonly type: 'delivered' }
  /** Refused for good because of who it is for. */
  | { readonly type: 'bounced'; readonly reason: string }
  /** Nobody has this token, or subscription, any more. */
  | { readonly type: 'refusedToken'; readonly reason: string }
  /** It may be taken later. `isUp`: the destination works, and is only not ready for this one. */
  | { readonly type: 'later'; readonly reason: string; readonly isUp: boolean; readonly retryAfterMs?: number }
  /** Will not be taken, ever. */
  | { readonly type: 'dropped'; readonly reason: string }

export interface SendContext {
  /** The same for every try: whoever receives it may know a repetition by it. */
  readonly id: string
  readonly at: EpochMs
  /** Ends the try when the server stops. */
  readonly signal: AbortSignal
  /** Resolves when no other message of the lane is between this point and its outcome being recorded. Absent: none is. */
  readonly alone?: (() => Promise<void>) | undefined
  /** Of mails: the addresses of ours that stand in it; `null`: nobody knows our own. */
  readonly addresses: MailAddresses | null
}

/** One way to people. The real ones are beside this file; a test may bring its own. */
export interface OutboxSender<Part extends OutgoingPart = OutgoingPart> {
  /** Destinations that share nothing but this name are kept apart; `null`: it leads nowhere. */
  laneOf(part: Part): string | null
  /** Messages on their way at a time, if fewer than usual. */
  readonly width?: number
  /** Hands it over once. What the world does is an outcome, or is thrown as `Egress` and `Dial` throw. */
  send(part: Part, context: SendContext): Promise<SendOutcome>
  /** Lets go of connections that are kept. */
  close?(): void
}

/** What an exception of a way out means for a message. */
export function outcomeOfError(error: unknown): SendOutcome {
  if (DamsonError.isInstance(error) && !error.isRetryable) return { type: 'dropped', reason: error.code }
  return { type: 'later', isUp: false, reason: reasonOf(error) }
}

/** `Retry-After` in seconds; dates, which push services do not send, are passed over. */
export function retryAfterOf({ headers }: Response): { readonly retryAfterMs?: number } {
  const text = headers.get('retry-after') ?? ''
  return /^\d{1,6}$/.test(text) ? { retryAfterMs: Number(text) * 1_000 } : {}
}

/** A fault of a service that speaks HTTP, or its wish to be left alone for a while; `null`: neither. */
export function laterOf(response: Response): SendOutcome | null {
  const { status } = response
  if (status !== 429 && status < 500) return null
  return { type: 'later', isUp: status === 429, reason: `answered ${status}`, ...retryAfterOf(response) }
}
