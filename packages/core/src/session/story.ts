import type { EpochMs } from '../clock.ts'
import { reduceSession, expireSession } from './reduce.ts'
import { NO_SESSION, type Session, type SessionAnswer, type SessionEffect } from './session.ts'
import type { SessionRules } from './timing.ts'
import type { HistoryStep } from '../testing/arbitraries.ts'

/** All that can be told of one lane in the end; two ways to the same story differ in nothing that matters. */
export interface Story {
  readonly sessions: readonly { id: string; startedAt: EpochMs; endedAt: EpochMs; durationMs: number }[]
  /** Background runs that were never counted. */
  readonly discarded: readonly string[]
  /** `durationMs` is null for a state outside sessions, which nothing ends. */
  readonly states: readonly { id: string; name: string; at: EpochMs; recordId: string; durationMs: number | null }[]
  readonly offline: readonly { id: string; at: EpochMs }[]
  /** What became of each command, in order of arrival. */
  readonly answers: readonly string[]
  readonly totalSessions: number
  readonly timeInAppMs: number
  readonly lastActiveAt: EpochMs | null
}

/** Long after every deadline. */
const END_OF_TIME: EpochMs = Date.UTC(2100, 0, 1)

export interface Played {
  readonly session: Session
  readonly effects: readonly SessionEffect[]
  readonly answers: readonly SessionAnswer[]
}

/** Folds a history from nothing, and closes what is open in the end. */
export function play(history: readonly HistoryStep[], rules: SessionRules): Played {
  const effects: SessionEffect[] = []
  const answers: SessionAnswer[] = []
  let session: Session = NO_SESSION
  for (const step of history) {
    if ('sweepAt' in step) {
      const swept = expireSession(session, step.sweepAt, rules)
      session = swept.session
      effects.push(...swept.effects)
      continue
    }
    const next = reduceSession(session, step.command, step.at, rules)
    session = next.session
    effects.push(...next.effects)
    answers.push(next.answer)
  }
  const swept = expireSession(session, END_OF_TIME, rules)
  return { session: swept.session, effects: [...effects, ...swept.effects], answers }
}

export function withoutSweeps(history: readonly HistoryStep[]): readonly HistoryStep[] {
  return history.filter((step) => 'command' in step)
}

/** Folds effects as the engine does: counters add up, and of two facts about one thing the later one holds. */
export function storyOf(played: Played): Story {
  const sessions = new Map<string, { id: string; startedAt: EpochMs; endedAt: EpochMs; durationMs: number }>()
  const pending = new Set<string>()
  const states = new Map<
    string,
    { id: string; name: string; at: EpochMs; recordId: string; durationMs: number | null }
  >()
  const offline: { id: string; at: EpochMs }[] = []
  let [totalSessions, timeInAppMs, lastActiveAt] = [0, 0, null as EpochMs | null]

  const begin = (id: string, at: EpochMs) => {
    totalSessions += 1
    pending.delete(id)
    sessions.set(id, { id, startedAt: at, endedAt: at, durationMs: 0 })
  }
  const known = <T>(found: T | undefined): T => {
    if (found === undefined) throw new Error('An effect is about something that never began.')
    return found
  }
  for (const effect of played.effects) {
    switch (effect.type) {
      case 'started':
        if (effect.counted) begin(effect.sessionId, effect.at)
        else pending.add(effect.sessionId)
        break
      case 'counted':
        begin(effect.sessionId, effect.at)
        break
      case 'ended': {
        const { startedAt, endedAt, durationMs } = effect
        timeInAppMs += durationMs
        Object.assign(known(sessions.get(effect.sessionId)), { startedAt, endedAt, durationMs })
        break
      }
      case 'reopened':
        timeInAppMs -= effect.durationMs
        break
      case 'extended': {
        const session = known(sessions.get(effect.sessionId))
        timeInAppMs += effect.durationMs
        session.endedAt = effect.endedAt
        session.durationMs += effect.durationMs
        break
      }
      case 'stateEntered': {
        const { stateId: id, name, at, recordId } = effect
        states.set(id, { id, name, at, recordId, durationMs: null })
        break
      }
      case 'stateLeft':
        known(states.get(effect.stateId)).durationMs = effect.durationMs
        break
      case 'offlineOpened':
        offline.push({ id: effect.recordId, at: effect.at })
        break
      case 'activity':
        lastActiveAt = Math.max(lastActiveAt ?? effect.at, effect.at)
        break
      case 'paused':
      case 'resumed':
      case 'discarded':
        break
    }
  }
  return {
    sessions: byId([...sessions.values()]),
    discarded: [...pending].sort(),
    states: byId([...states.values()]),
    offline,
    answers: played.answers.map(describeAnswer),
    totalSessions,
    timeInAppMs,
    lastActiveAt,
  }
}

export function byId<T extends { readonly id: string }>(list: readonly T[]): readonly T[] {
  return list.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

function describeAnswer(answer: SessionAnswer): string {
  if (answer.as === 'session') return `session ${answer.sessionId} state ${answer.stateId}`
  return answer.as === 'offline' ? `offline ${answer.recordId}` : answer.as
}
