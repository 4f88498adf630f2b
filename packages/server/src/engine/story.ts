import type { EpochMs } from '@damson/core'
import {
  deadlineOf,
  expireSession,
  NO_SESSION,
  reduceSession,
  type Session,
  type SessionCommand,
  type SessionEffect,
  type SessionRules,
  type Transition,
} from '@damson/core/session'
import { type Draft, tallied } from './draft.ts'
import type { Experiment, Params, Prior, Snapshot } from './entries.ts'
import type { Profile } from './profile.ts'

/** What a command brings along for the history its effects write. */
export interface Details {
  readonly client?: string
  readonly sdkVersion?: string
  readonly info?: string
  readonly params?: Params
}

const NO_DETAILS: Details = {}

/** The session of a lane; the lane `''` is that of actions without a device. */
export function sessionOf(profile: Profile, lane: string): Session {
  return (Object.hasOwn(profile.sessions, lane) ? profile.sessions[lane] : undefined) ?? NO_SESSION
}

/** Folds one command into one lane and tells the profile's counters and history what came of it. */
export function perform(
  draft: Draft,
  lane: string,
  command: SessionCommand,
  at: EpochMs,
  rules: SessionRules,
  details: Details = NO_DETAILS,
): Transition {
  const before = sessionOf(draft.profile, lane)
  const transition = reduceSession(before, command, at, rules)
  keep(draft, lane, before, transition.session)
  tell(draft, lane, transition.effects, details, at)
  return transition
}

/** Ends every session that is overdue at `now`. Changes nothing when none is. */
export function settle(draft: Draft, now: EpochMs, rules: SessionRules): void {
  const { sessions } = draft.profile
  for (const lane in sessions) {
    const before = sessionOf(draft.profile, lane)
    const due = deadlineOf(before, rules)
    if (due === null || due > now) continue
    const { session, effects } = expireSession(before, now, rules)
    keep(draft, lane, before, session)
    tell(draft, lane, effects, NO_DETAILS, now)
  }
}

/** When the next of a profile's sessions times out; `null` when none is open. */
export function nextDeadline(profile: Profile, rules: SessionRules): EpochMs | null {
  let next: EpochMs | null = null
  for (const lane in profile.sessions) {
    const due = deadlineOf(sessionOf(profile, lane), rules)
    if (due !== null && (next === null || due < next)) next = due
  }
  return next
}

/** How many lanes without an open session a profile keeps: an app that makes up device ids must not grow it for ever. */
const IDLE_LANES_MAX = 32

function keep(draft: Draft, lane: string, before: Session, after: Session): void {
  if (after === before) return
  const profile = draft.edit()
  const isNew = !Object.hasOwn(profile.sessions, lane)
  profile.sessions = { ...profile.sessions, [lane]: after }
  if (isNew) dropIdleLanes(draft, lane)
}

/** Forgets the lanes that ended longest ago once there are too many; what came late for them is then stored offline. */
function dropIdleLanes(draft: Draft, justUsed: string): void {
  const { sessions } = draft.profile
  const idle = Object.keys(sessions).filter(
    (lane) => lane !== justUsed && sessionOf(draft.profile, lane).phase === 'closed',
  )
  if (idle.length <= IDLE_LANES_MAX) return
  idle.sort((a, b) => lastEndOf(sessionOf(draft.profile, a)) - lastEndOf(sessionOf(draft.profile, b)))
  const kept = { ...sessions }
  for (const lane of idle.slice(0, idle.length - IDLE_LANES_MAX)) delete kept[lane]
  draft.edit().sessions = kept
}

function lastEndOf(session: Session): EpochMs {
  if (session.phase === 'closed' && session.lapsed) return session.lapsed.run.lastActivityAt
  return session.past.at(-1)?.endedAt ?? session.offline?.openedAt ?? 0
}

function tell(draft: Draft, lane: string, effects: readonly SessionEffect[], details: Details, at: EpochMs): void {
  for (const effect of effects) {
    // The commonest by far: a `track` in an open session has this effect alone.
    if (effect.type === 'activity') {
      const { lastActiveAt } = draft.profile
      if (lastActiveAt === null || lastActiveAt < effect.at) draft.edit().lastActiveAt = effect.at
    } else {
      tellRarer(draft, lane, effect, details, at)
    }
  }
}

function tellRarer(
  draft: Draft,
  lane: string,
  effect: Exclude<SessionEffect, { type: 'activity' }>,
  details: Details,
  commandAt: EpochMs,
): void {
  const { entries } = draft
  switch (effect.type) {
    case 'started': {
      const { sessionId: record, at, counted } = effect
      const deviceId = lane === '' ? null : lane
      const { client, sdkVersion } = details
      entries.push({
        kind: 'sessionStarted',
        at,
        record,
        deviceId,
        counted,
        ...(client !== undefined && { client }),
        ...(sdkVersion !== undefined && { sdkVersion }),
        prior: priorOf(draft.profile),
      })
      if (counted) draft.edit().totalSessions += 1
      return
    }
    case 'counted':
      entries.push({ kind: 'sessionCounted', at: effect.at, record: effect.sessionId, prior: priorOf(draft.profile) })
      draft.edit().totalSessions += 1
      return
    case 'paused':
      entries.push({ kind: 'sessionPaused', at: effect.at, record: effect.sessionId })
      return
    case 'resumed':
      entries.push({ kind: 'sessionResumed', at: effect.at, record: effect.sessionId })
      return
    case 'ended': {
      const { sessionId: record, startedAt, endedAt, durationMs, reason } = effect
      const snapshot = snapshotOf(draft.profile, lane)
      entries.push({ kind: 'sessionEnded', at: endedAt, record, startedAt, durationMs, reason, snapshot })
      draft.edit().timeInAppMs += durationMs
      return
    }
    case 'reopened':
      entries.push({ kind: 'sessionReopened', at: commandAt, record: effect.sessionId })
      draft.edit().timeInAppMs = Math.max(0, draft.profile.timeInAppMs - effect.durationMs)
      return
    case 'extended': {
      const { sessionId: record, endedAt, durationMs } = effect
      entries.push({ kind: 'sessionExtended', at: endedAt, record, durationMs })
      draft.edit().timeInAppMs += durationMs
      return
    }
    case 'discarded':
      entries.push({ kind: 'sessionDiscarded', at: commandAt, record: effect.sessionId })
      return
    case 'offlineOpened':
      entries.push({
        kind: 'offlineOpened',
        at: effect.at,
        record: effect.recordId,
        deviceId: lane === '' ? null : lane,
        prior: priorOf(draft.profile),
        snapshot: snapshotOf(draft.profile, lane),
      })
      return
    case 'stateEntered': {
      const { stateId, name, at, recordId: record } = effect
      const { info, params } = details
      const states = draft.states()
      const isFirst = !Object.hasOwn(states, name)
      entries.push({
        kind: 'stateEntered',
        at,
        record,
        stateId,
        name,
        ...(info !== undefined && { info }),
        ...(params !== undefined && { params }),
        ...(isFirst && { firstAfterMs: Math.max(0, at - draft.profile.createdAt) }),
      })
      states[name] = tallied(isFirst ? undefined : states[name], at)
      draft.edit().stateCount += 1
      return
    }
    case 'stateLeft':
      entries.push({
        kind: 'stateLeft',
        at: effect.at,
        record: effect.recordId,
        stateId: effect.stateId,
        durationMs: effect.durationMs,
      })
      return
  }
}

function priorOf(profile: Profile): Prior {
  return {
    sessions: profile.totalSessions,
    events: profile.eventCount,
    states: profile.stateCount,
    timeInAppMs: profile.timeInAppMs,
  }
}

function snapshotOf(profile: Profile, lane: string): Snapshot {
  return {
    userId: profile.userId,
    attributes: profile.attributes,
    device: lane !== '' && Object.hasOwn(profile.devices, lane) ? (profile.devices[lane] ?? null) : null,
    place: profile.place,
    trafficSource: profile.trafficSource,
    isDeveloper: profile.isDeveloper,
    ...(Object.keys(profile.variants).length > 0 && { experiments: experimentsOf(profile) }),
  }
}

function experimentsOf({ variants }: Profile): readonly Experiment[] {
  return Object.entries(variants).map(([id, { variantId }]) => ({ id: Number(id), variantId }))
}
