import { DAY_MS, type EpochMs, SECOND_MS } from '@damson/core'
import { type Campaign, scheduledAt } from '../campaigns.ts'
import type { Message, Messages } from './compile.ts'
import { isWithin } from './term.ts'
import { wireLimits } from './limits.ts'
import type { Channel } from './source.ts'
import { wireFilter } from './triggers.ts'

/** @source assumed: specification 8.12, "recently finished", as of A/B tests */
const RECENT_MS = 30 * DAY_MS

const TYPES: Readonly<Record<Exclude<Channel, 'inApp'>, string>> = {
  push: 'Push Notification',
  email: 'Email',
  webhook: 'Webhook',
  inbox: 'Newsfeed Message',
}

/** As `messageType` has it: the channel or, of an in-app message, its template. */
export function messageType({ channel, source }: Message): string {
  return channel === 'inApp' ? (source.template ?? '') : TYPES[channel]
}

/**
 * A message as the API tells of it (specification 8.12), with the campaign that sends it, if one does. Instants are seconds;
 * what it does not have is left out.
 */
export function toldMessage(
  message: Message,
  campaign: Campaign | null,
  now: EpochMs,
): Readonly<Record<string, unknown>> {
  const { name, state, createdAt, updatedAt, finishedAt, when, limits, sticky = false } = message.source
  const triggers =
    when === undefined ? {} : { [message.channel === 'inApp' ? 'localTriggers' : 'serverTriggers']: wireFilter(when) }
  return {
    id: message.id,
    ...(campaign !== null && toldOf(campaign, now)),
    name,
    active: state === 'active' && isWithin(message, now),
    state,
    created: createdAt / SECOND_MS,
    updated: updatedAt / SECOND_MS,
    ...(finishedAt !== undefined && { finished: finishedAt / SECOND_MS }),
    messageType: messageType(message),
    ...(message.testIds.length > 0 && { abTestIds: message.testIds }),
    ...(limits !== undefined && { messageLimits: wireLimits(limits) }),
    ...triggers,
    targetingSticky: sticky,
  }
}

function toldOf(campaign: Campaign, now: EpochMs): Readonly<Record<string, unknown>> {
  const at = scheduledAt(campaign, now)
  return {
    campaignID: campaign.id,
    campaignName: campaign.source.name,
    ...(at !== null && { scheduledTime: at / SECOND_MS }),
  }
}

/** The messages a caller may see, by their ids. `recent`: those that are active, or ended not long ago. */
export function visibleMessages(
  { byId }: Messages,
  { includeDrafts, recent }: { readonly includeDrafts: boolean; readonly recent: boolean },
  now: EpochMs,
): readonly Message[] {
  return [...byId.values()]
    .filter(({ source: { state, finishedAt = 0 }, endAt }) => {
      if (state === 'draft') return includeDrafts
      const end = state === 'finished' ? Math.min(finishedAt, endAt) : endAt
      return !recent || end > now - RECENT_MS
    })
    .sort((one, other) => one.id - other.id)
}
