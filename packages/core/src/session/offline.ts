import type { EpochMs } from '../clock.ts'
import type { Session, SessionCommand, SessionEffect, Transition } from './session.ts'
import { stateEntered } from './states.ts'
import type { SessionRules } from './timing.ts'

/**
 * A command that found no session to act on (column "no S" of specification 6.4; a paused or background session takes
 * events no better). Events and states are collected in the offline record; that is not activity (F13, F14).
 */
export function outsideSession(
  session: Session,
  command: SessionCommand,
  at: EpochMs,
  rules: SessionRules,
): Transition {
  switch (command.type) {
    case 'track':
      if (command.disposition === 'requireActive') return { session, effects: [], answer: { as: 'noSession' } }
      return inOfflineRecord(session, command.offlineId, at, rules)
    case 'advance':
      return advanceOffline(session, command, at, rules)
    default:
      return { session, effects: [], answer: { as: 'noSession' } }
  }
}

function advanceOffline(
  session: Session,
  command: Extract<SessionCommand, { type: 'advance' }>,
  at: EpochMs,
  rules: SessionRules,
): Transition {
  if (command.state === '') {
    // Leaving a state nobody is in stores nothing, so it must not open a record either.
    const recordId = openRecordId(session, at, rules) ?? command.offlineId
    return { session, effects: [], answer: { as: 'offline', recordId } }
  }
  const next = inOfflineRecord(session, command.offlineId, at, rules)
  const entered = stateEntered({ id: command.stateId, name: command.state }, at, next.answer.recordId, true)
  return { ...next, effects: [...next.effects, entered] }
}

function inOfflineRecord(session: Session, newId: string, at: EpochMs, rules: SessionRules) {
  const openId = openRecordId(session, at, rules)
  const answer = { as: 'offline', recordId: openId ?? newId } as const
  if (openId !== null) return { session, effects: [], answer }
  const opened: SessionEffect = { type: 'offlineOpened', recordId: newId, at }
  return { session: { ...session, offline: { id: newId, openedAt: at } }, effects: [opened], answer }
}

/** The record that takes what happened at `at`: it may have begun with a later event, as events come out of order. */
function openRecordId(session: Session, at: EpochMs, rules: SessionRules): string | null {
  const { offline } = session
  return offline !== null && Math.abs(at - offline.openedAt) < rules.offlineRecordMs ? offline.id : null
}
