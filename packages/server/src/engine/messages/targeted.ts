import type { EpochMs } from '@damson/core'
import type { Message } from '../../content/messages/compile.ts'
import { staysWith } from '../../content/messages/sticky.ts'
import type { Draft } from '../draft.ts'

/** Writes down that sticky messages, by their ids, are meant for this user from now on. */
export function keepTargeted(draft: Draft, messageIds: readonly number[], now: EpochMs): void {
  if (messageIds.length === 0) return
  const since = Object.fromEntries(messageIds.map((id) => [id, now]))
  draft.edit().targeted = { ...draft.profile.targeted, ...since }
}

/** Whether a message is meant for a user. If it is sticky, that is written down the first time. */
export function isTargeted(draft: Draft, message: Message, now: EpochMs): boolean {
  if (staysWith(message, draft.profile)) return true
  if (!message.matches(draft.profile, now)) return false
  if (message.source.sticky === true) keepTargeted(draft, [message.id], now)
  return true
}
