import { DAY_MS, type EpochMs } from '@damson/core'
import type { Message } from '../../content/messages/compile.ts'
import type { ContentByChannel } from '../../content/messages/source.ts'
import type { Json } from '../../content/source.ts'
import type { NewInboxItem } from '../inbox.ts'
import { actionOf } from './parts.ts'

/** What lies in the inbox, by the names SDKs know. @source observed: specification 8.12 */
export function inboxItem(
  content: ContentByChannel['inbox'],
  { id, source }: Message,
  now: EpochMs,
  campaignId: number | undefined,
): NewInboxItem {
  const { title, subtitle, image, data, open, days } = content
  const vars: Record<string, Json> = {
    Title: title,
    ...(subtitle !== undefined && { Subtitle: subtitle }),
    ...(image !== undefined && { Image: image }),
    ...(data !== undefined && { Data: data }),
    ...(open !== undefined && { 'Open action': actionOf(open) }),
  }
  return {
    messageId: id,
    vars,
    expiresAt: days === undefined ? null : now + days * DAY_MS,
    ...(source.priority !== undefined && { priority: source.priority }),
    ...(campaignId !== undefined && { campaignId }),
  }
}
