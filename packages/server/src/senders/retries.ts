import { type EpochMs, MINUTE_MS } from '@damson/core'
import type { OutgoingChannel } from '../engine/messages/outgoing.ts'

const PUSH_WAITS = [1, 2, 4, 8, 16, 32, 60, 60, 60]

/** How long after each try that came to nothing the next one comes. Minutes. */
const WAITS_MINUTES: Readonly<Record<OutgoingChannel, readonly number[]>> = {
  /** About a day: longer than a greylist or a full mailbox of the usual kind. @source assumed */
  email: [1, 5, 15, 30, 60, 120, 240, 480, 480],
  /** About four hours: what is pushed is about now. @source assumed */
  webPush: PUSH_WAITS,
  fcm: PUSH_WAITS,
  apns: PUSH_WAITS,
  /** @source documented: specification 8.9, at its end: 50 times, after 1, 2, 4, 4… minutes */
  webhook: [1, 2, ...Array<number>(48).fill(4)],
}

/** Longer waits than a day would outlive what is remembered of a message that was sent. */
const RETRY_AFTER_MAX_MS = 12 * 60 * MINUTE_MS

export function triesMax(channel: OutgoingChannel): number {
  return WAITS_MINUTES[channel].length + 1
}

/** When a message is tried again after try number `attempt`, from 1; `null`: not any more. */
export function retryAt(channel: OutgoingChannel, attempt: number, at: EpochMs, retryAfterMs = 0): EpochMs | null {
  const minutes = WAITS_MINUTES[channel][attempt - 1]
  if (minutes === undefined) return null
  return at + Math.max(minutes * MINUTE_MS, Math.min(retryAfterMs, RETRY_AFTER_MAX_MS))
}
