import { emptyProfile, RARE_FIELDS } from './draft.ts'
import type { Profile } from './profile.ts'

/**
 * A profile as it is kept: JSON without what is empty. Most profiles have few of the fields a profile may have, and this text
 * is written again with every commit that touches one. Field by field: in a loop over their names it took half as long again.
 */
export function profileText(profile: Profile): string {
  const kept: { readonly [K in keyof Profile]-?: Profile[K] | undefined } = {
    userId: profile.userId,
    createdAt: profile.createdAt,
    lastActiveAt: profile.lastActiveAt ?? undefined,
    totalSessions: profile.totalSessions || undefined,
    timeInAppMs: profile.timeInAppMs || undefined,
    eventCount: profile.eventCount || undefined,
    stateCount: profile.stateCount || undefined,
    attributes: unlessEmpty(profile.attributes),
    events: unlessEmpty(profile.events),
    states: unlessEmpty(profile.states),
    devices: unlessEmpty(profile.devices),
    sessions: unlessEmpty(profile.sessions),
    place: unlessEmpty(profile.place),
    unsubscribedCategories: unlessNone(profile.unsubscribedCategories),
    unsubscribedChannels: unlessNone(profile.unsubscribedChannels),
    trafficSource: profile.trafficSource ?? undefined,
    variants: unlessEmpty(profile.variants),
    inbox: unlessEmpty(profile.inbox),
    inboxCount: profile.inboxCount || undefined,
    messages: profile.messages,
    targeted: profile.targeted,
    campaigns: profile.campaigns,
    isDeveloper: profile.isDeveloper || undefined,
    anomalous: profile.anomalous || undefined,
    blocked: profile.blocked || undefined,
    unknown: undefined,
  }
  return JSON.stringify(profile.unknown === undefined ? kept : { ...kept, ...profile.unknown })
}

const KNOWN = new Set(Object.keys({ ...emptyProfile('', 0), ...RARE_FIELDS }))
// No field of the text, but the place of those that are not known: a later version may call one of its own so.
KNOWN.delete('unknown')

/** Of the same shape whatever is there: the fields of an empty one in their order, then those that are rare. */
export function profileOf(text: string): Profile {
  const kept = JSON.parse(text) as Record<string, unknown>
  const profile = emptyProfile('', 0) as unknown as Record<string, unknown>
  const unknown: [string, unknown][] = []
  for (const [name, value] of Object.entries(kept)) {
    if (KNOWN.has(name)) profile[name] = value
    else unknown.push([name, value])
  }
  if (unknown.length > 0) profile['unknown'] = Object.fromEntries(unknown)
  return profile as unknown as Profile
}

function unlessEmpty<T extends object>(map: T): T | undefined {
  for (const _ in map) return map
  return undefined
}

function unlessNone<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list
}
