import type { PastSession, Run, Session, SessionRules } from '@damson/core/session'
import { bothInboxes } from './inbox.ts'
import type { AttributeScalar, AttributeValue, Occurrences, Profile, Tally } from './profile.ts'

/**
 * Merges an anonymous profile into the user who logged in (specification 4.3): the target's values win, sets are united,
 * counts are added. Merging what was merged already changes nothing, because the anonymous profile is gone.
 */
export function merged(target: Profile, anonymous: Profile, rules: SessionRules): Profile {
  return {
    ...target,
    createdAt: Math.min(target.createdAt, anonymous.createdAt),
    lastActiveAt: later(target.lastActiveAt, anonymous.lastActiveAt),
    totalSessions: target.totalSessions + anonymous.totalSessions,
    timeInAppMs: target.timeInAppMs + anonymous.timeInAppMs,
    eventCount: target.eventCount + anonymous.eventCount,
    stateCount: target.stateCount + anonymous.stateCount,
    attributes: united(target.attributes, anonymous.attributes, bothAttributes),
    events: united(target.events, anonymous.events, bothTallies),
    states: united(target.states, anonymous.states, bothTallies),
    devices: united(target.devices, anonymous.devices, (ours, theirs) => ({ ...theirs, ...ours })),
    sessions: united(target.sessions, anonymous.sessions, (ours, theirs) => bothSessions(ours, theirs, rules)),
    place: { ...anonymous.place, ...target.place },
    unsubscribedCategories: union(target.unsubscribedCategories, anonymous.unsubscribedCategories),
    unsubscribedChannels: union(target.unsubscribedChannels, anonymous.unsubscribedChannels),
    trafficSource: target.trafficSource ?? anonymous.trafficSource,
    ...(anonymous.campaigns !== undefined && {
      campaigns: united(target.campaigns ?? {}, anonymous.campaigns, Math.max),
    }),
    ...(anonymous.targeted !== undefined && {
      targeted: united(target.targeted ?? {}, anonymous.targeted, Math.min),
    }),
    variants: { ...anonymous.variants, ...target.variants },
    ...bothInboxes(target, anonymous),
    ...((target.messages ?? anonymous.messages) && {
      messages: united(target.messages ?? {}, anonymous.messages ?? {}, bothOccurrences),
    }),
    isDeveloper: target.isDeveloper || anonymous.isDeveloper,
    anomalous: target.anomalous || anonymous.anomalous,
  }
}

function later(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.max(a, b)
}

function union<T>(a: readonly T[], b: readonly T[]): readonly T[] {
  return [...new Set([...a, ...b])]
}

function united<T>(
  ours: Readonly<Record<string, T>>,
  theirs: Readonly<Record<string, T>>,
  both: (ours: T, theirs: T) => T,
): Record<string, T> {
  const result: Record<string, T> = { ...ours }
  for (const name of Object.keys(theirs)) {
    result[name] = Object.hasOwn(ours, name) ? both(ours[name]!, theirs[name]!) : theirs[name]!
  }
  return result
}

/** Two sets are united; of anything else the target's is kept. */
function bothAttributes(ours: AttributeValue, theirs: AttributeValue): AttributeValue {
  if (typeof ours !== 'object' && typeof theirs !== 'object') return ours
  const asSet = (value: AttributeValue): readonly AttributeScalar[] => (typeof value === 'object' ? value : [value])
  return union(asSet(ours), asSet(theirs))
}

function bothTallies(ours: Tally, theirs: Tally): Tally {
  const value = ours.value === undefined && theirs.value === undefined ? null : (ours.value ?? 0) + (theirs.value ?? 0)
  return {
    count: ours.count + theirs.count,
    ...(value !== null && { value }),
    firstAt: Math.min(ours.firstAt, theirs.firstAt),
    lastAt: Math.max(ours.lastAt, theirs.lastAt),
  }
}

/** Both got it. What was remembered for limits is put in order; of sessions, the one that goes on is the anonymous one's. */
function bothOccurrences(ours: Occurrences, theirs: Occurrences): Occurrences {
  const recent = [...(ours.recent ?? []), ...(theirs.recent ?? [])].sort((a, b) => a - b)
  return {
    ...ours,
    ...theirs,
    count: ours.count + theirs.count,
    ...(recent.length > 0 && { recent }),
    ...((ours.triggers ?? theirs.triggers) !== undefined && {
      triggers: (ours.triggers ?? 0) + (theirs.triggers ?? 0),
    }),
  }
}

/**
 * Both used the same device, one after the other. The session that is open goes on (the anonymous one, "re-assigned to
 * the target"; the caller has ended the target's own, if there was one); what either may still amend is kept in order.
 */
function bothSessions(ours: Session, theirs: Session, rules: SessionRules): Session {
  const [going, other] = theirs.phase === 'closed' && ours.phase !== 'closed' ? [ours, theirs] : [theirs, ours]
  const goingSince = runOf(going)?.startedAt ?? Infinity
  const past = apart([...pastOf(going, false), ...pastOf(other, true)])
    .filter(({ endedAt }) => endedAt <= goingSince)
    .slice(-rules.amendableCount)
  return { ...going, past, offline: going.offline ?? other.offline }
}

function runOf(session: Session): Run | undefined {
  return session.phase === 'closed' ? session.lapsed?.run : session.run
}

function pastOf(session: Session, withLapsed: boolean): PastSession[] {
  const { past } = session
  if (!withLapsed || session.phase !== 'closed' || session.lapsed === null) return [...past]
  const { lapsed } = session
  if (lapsed.phase === 'background') return [...past]
  const { id, startedAt, lastActivityAt, pausedMs } = lapsed.run
  const endedAt = lapsed.phase === 'paused' ? lapsed.pausedAt : lastActivityAt
  return [...past, { id, startedAt, endedAt, pausedMs, growing: false }]
}

/** In time order and without overlaps: of two that overlap the later one starts where the earlier ends. */
function apart(past: PastSession[]): PastSession[] {
  const ordered = past.toSorted((a, b) => a.startedAt - b.startedAt || a.endedAt - b.endedAt)
  let end = -Infinity
  return ordered.filter((session) => {
    const isApart = session.startedAt >= end
    if (isApart) end = session.endedAt
    return isApart
  })
}
