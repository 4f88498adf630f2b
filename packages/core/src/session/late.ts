import type { EpochMs } from '../clock.ts'
import { outsideSession } from './offline.ts'
import { coveringIndex, isForgotten, prunePast } from './past.ts'
import type { PastSession, Session, SessionCommand, SessionEffect, Transition } from './session.ts'
import type { SessionRules } from './timing.ts'

/** Whether the command may open a run where there is none. */
export function isOpening(
  command: SessionCommand,
): command is Extract<SessionCommand, { type: 'start' | 'startInBackground' | 'resume' }> {
  return command.type === 'start' || command.type === 'resume' || command.type === 'startInBackground'
}

/** Whether the command happened before the newest run, and so concerns the past only. */
export function isLate(session: Session, command: SessionCommand, at: EpochMs): boolean {
  if (session.phase !== 'closed') return at < session.run.startedAt
  if (session.lapsed !== null) return at < session.lapsed.run.startedAt
  const newest = session.past.at(-1)
  if (newest === undefined) return false
  // With no run after it, the newest past session still takes its own last instant; a new use may begin right there.
  return !isOpening(command) || at < newest.endedAt
}

/** Folds a late command into the past. The newest run, open or lapsed, is never disturbed. */
export function reduceLate(session: Session, command: SessionCommand, at: EpochMs, rules: SessionRules): Transition {
  const index = coveringIndex(session.past, at, rules)
  const covering = session.past[index]
  if (isOpening(command)) return openLate(session, command, at, rules, covering)
  if (covering === undefined) return outsideSession(session, command, at, rules)
  switch (command.type) {
    case 'track':
      if (command.disposition === 'passive') return { session, effects: [], answer: belongsTo(covering) }
      return grow(session, index, covering, at)
    case 'heartbeat':
      return grow(session, index, covering, at)
    case 'advance':
      return advanceLate(session, command, at, index, covering)
    case 'stop':
    case 'pause':
      // A session nobody can add to has ended already; only one that still grows can be ended by this.
      if (!covering.growing) return { session, effects: [], answer: belongsTo(covering) }
      return grow(session, index, covering, at, false)
    default:
      return outsideSession(session, command, at, rules)
  }
}

/** A use of the app that we hear of late: a counted session of its own, which its own late events make longer. */
function openLate(
  session: Session,
  command: Extract<SessionCommand, { type: 'start' | 'startInBackground' | 'resume' }>,
  at: EpochMs,
  rules: SessionRules,
  covering: PastSession | undefined,
): Transition {
  if (command.type === 'startInBackground') return { session, effects: [], answer: { as: 'nothing' } }
  if (covering !== undefined && at <= covering.endedAt) return { session, effects: [], answer: belongsTo(covering) }
  if (isForgotten(session, at, rules)) return { session, effects: [], answer: { as: 'nothing' } }

  const made: PastSession = { id: command.id, startedAt: at, endedAt: at, pausedMs: 0, growing: true }
  const after = session.past.findIndex((candidate) => candidate.startedAt > at)
  const past = session.past.toSpliced(after === -1 ? session.past.length : after, 0, made)
  const effects: SessionEffect[] = [
    { type: 'started', sessionId: made.id, at, counted: true },
    { type: 'ended', sessionId: made.id, startedAt: at, endedAt: at, durationMs: 0, reason: 'restart' },
    { type: 'activity', at },
  ]
  return { session: { ...session, past: prunePast(past, at, rules), offline: null }, effects, answer: belongsTo(made) }
}

/** Activity at `at` within the past session at `index`, which becomes longer if it grew up to here. */
function grow(
  session: Session,
  index: number,
  covering: PastSession,
  at: EpochMs,
  growing: boolean = covering.growing,
): Transition {
  const answer = belongsTo(covering)
  const activity: SessionEffect = { type: 'activity', at }
  const durationMs = at - covering.endedAt
  if (durationMs <= 0 && growing === covering.growing) return { session, effects: [activity], answer }

  const endedAt = Math.max(at, covering.endedAt)
  const grown = { ...session, past: session.past.with(index, { ...covering, endedAt, growing }) }
  if (durationMs <= 0) return { session: grown, effects: [activity], answer }
  return {
    session: grown,
    effects: [{ type: 'extended', sessionId: covering.id, endedAt, durationMs }, activity],
    answer,
  }
}

/** A state entered in the past is an occurrence without duration: what followed it there is not kept. */
function advanceLate(
  session: Session,
  command: Extract<SessionCommand, { type: 'advance' }>,
  at: EpochMs,
  index: number,
  covering: PastSession,
): Transition {
  const grown = grow(session, index, covering, at)
  if (command.state === '') return grown
  const { stateId, state: name } = command
  const recordId = covering.id
  const effects: SessionEffect[] = [
    { type: 'stateEntered', stateId, name, at, recordId, offline: false },
    { type: 'stateLeft', stateId, name, at, durationMs: 0, recordId },
    ...grown.effects,
  ]
  return { session: grown.session, effects, answer: { as: 'session', sessionId: recordId, stateId } }
}

function belongsTo(past: PastSession): Transition['answer'] {
  return { as: 'session', sessionId: past.id, stateId: null }
}
