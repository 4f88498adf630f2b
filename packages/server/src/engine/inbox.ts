import type { EpochMs } from '@damson/core'
import type { Json } from '../content/source.ts'
import type { Draft } from './draft.ts'
import type { InboxItem, Profile } from './profile.ts'

/**
 * How much an inbox holds; the oldest items make room. It is a part of the profile, and written with it.
 * @source assumed: the hosted service says nothing of a limit
 */
export const INBOX_ITEMS_MAX = 50
/** In characters of JSON. The newest item is kept whatever its size. */
export const INBOX_TEXT_MAX = 64 * 1024

/** The template that SDKs know inbox messages by. @source observed: specification 8.12 */
const TEMPLATE = '__Newsfeed Message'

export interface NewInboxItem {
  readonly messageId: number
  /** `Title`, `Subtitle`, `Image`, `Data`, `Open action`, rendered for this user. */
  readonly vars: Readonly<Record<string, Json>>
  readonly expiresAt: EpochMs | null
  readonly priority?: number
  readonly campaignId?: number
}

type Inbox = Readonly<Record<string, InboxItem>>

/** Puts a message into the inbox; what has expired, and what is too much, leaves it. @returns the id it has there */
export function deliverToInbox(draft: Draft, { messageId, ...item }: NewInboxItem, now: EpochMs): string {
  const { inbox, inboxCount } = draft.profile
  const id = `${messageId}##${inboxCount}`
  const profile = draft.edit()
  profile.inbox = bounded({ ...current(inbox, now), [id]: { ...item, deliveredAt: now, isRead: false } })
  profile.inboxCount = inboxCount + 1
  return id
}

/** Marks one as read. Doing it again, or to one that is not there, changes nothing. */
export function readInboxItem(draft: Draft, id: string): void {
  const { inbox } = draft.profile
  const item = Object.hasOwn(inbox, id) ? inbox[id] : undefined
  if (item === undefined || item.isRead) return
  draft.edit().inbox = { ...inbox, [id]: { ...item, isRead: true } }
}

export function deleteInboxItem(draft: Draft, id: string): void {
  const { inbox } = draft.profile
  if (!Object.hasOwn(inbox, id)) return
  const { [id]: _, ...rest } = inbox
  draft.edit().inbox = rest
}

/** The inbox as SDKs read it. @source observed: specification 8.12 */
export function toldInbox({ inbox }: Profile, now: EpochMs): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(current(inbox, now)).map(([id, item]) => [id, told(item)]))
}

/** Whether the client should fetch its inbox: it has other messages than we have (unknowns 64). */
export function needsSync({ inbox }: Profile, known: readonly string[], now: EpochMs): boolean {
  const ids = Object.keys(current(inbox, now))
  const theirs = new Set(known)
  return ids.length !== theirs.size || ids.some((id) => !theirs.has(id))
}

/**
 * Two inboxes are united (specification 4.3). Where both have the same id, as each counts for itself, the anonymous one's
 * item gets a new one; whoever has it under the old id is told to fetch again.
 */
export function bothInboxes(target: Profile, anonymous: Profile): Pick<Profile, 'inbox' | 'inboxCount'> {
  let inboxCount = Math.max(target.inboxCount, anonymous.inboxCount)
  const renamed = Object.entries(anonymous.inbox).map(([id, item]) => {
    if (!Object.hasOwn(target.inbox, id)) return [id, item] as const
    return [`${id.slice(0, id.indexOf('##'))}##${inboxCount++}`, item] as const
  })
  const united = [...Object.entries(target.inbox), ...renamed]
  const ordered = united.toSorted(([, one], [, other]) => one.deliveredAt - other.deliveredAt)
  return { inbox: bounded(Object.fromEntries(ordered)), inboxCount }
}

function told({ deliveredAt, expiresAt, isRead, vars, priority = 1_000, campaignId }: InboxItem): object {
  return {
    deliveryTimestamp: deliveredAt,
    isRead,
    ...(expiresAt !== null && { expirationTimestamp: expiresAt }),
    messageData: {
      action: TEMPLATE,
      vars: { ...vars, __name__: TEMPLATE },
      priority,
      countdown: 0,
      parentCampaignId: campaignId ?? null,
      hasImpressionCriteria: false,
      whenLimits: { children: [], subject: null, objects: [] },
      unlessTriggers: { children: [], subject: null, objects: [] },
    },
  }
}

function current(inbox: Inbox, now: EpochMs): Inbox {
  const entries = Object.entries(inbox)
  const valid = entries.filter(([, { expiresAt }]) => expiresAt === null || expiresAt > now)
  return valid.length === entries.length ? inbox : Object.fromEntries(valid)
}

function bounded(inbox: Inbox): Inbox {
  const kept: [string, InboxItem][] = []
  let length = 0
  for (const [id, item] of Object.entries(inbox).toReversed()) {
    length += JSON.stringify(item).length
    if (kept.length > 0 && (kept.length >= INBOX_ITEMS_MAX || length > INBOX_TEXT_MAX)) break
    kept.push([id, item])
  }
  return Object.fromEntries(kept.toReversed())
}
