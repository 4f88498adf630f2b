import type { EpochMs } from '../clock.ts'
import type { ActiveSession, EndReason, PausedSession, Run, SessionAnswer, SessionEffect } from './session.ts'
import { pauseClock, resumeClock, stateIdAt, stateLeft } from './states.ts'

/** A run at its very beginning. */
export function newRun(id: string, at: EpochMs): Run {
  return { id, startedAt: at, lastActivityAt: at, pausedMs: 0, state: null }
}

/**
 * The earliest instant, from `at` on, at which this run may still change. Within one run time never goes backwards:
 * a change that arrives out of order takes effect at the last activity, so no clock ever measures less than nothing.
 */
export function notBefore(run: Run, at: EpochMs): EpochMs {
  return at < run.lastActivityAt ? run.lastActivityAt : at
}

/**
 * The user did something at `at`. The very same session comes back if that was known to be later already.
 * Written out because every tracked event comes through here: with spreads the whole fold took seven times as long.
 */
export function withActivity(session: ActiveSession, at: EpochMs): ActiveSession {
  const { run, past, offline } = session
  if (at <= run.lastActivityAt) return session
  const { id, startedAt, pausedMs, state } = run
  return { phase: 'active', run: { id, startedAt, lastActivityAt: at, pausedMs, state }, past, offline }
}

export function pauseRun(session: ActiveSession, at: EpochMs): PausedSession {
  const { run, past, offline } = session
  const pausedAt = notBefore(run, at)
  const state = run.state === null ? null : pauseClock(run.state, pausedAt, false)
  return { phase: 'paused', run: { ...run, lastActivityAt: pausedAt, state }, pausedAt, past, offline }
}

export function resumeRun(session: PausedSession, at: EpochMs): ActiveSession {
  const { run, past, offline } = session
  const resumedAt = notBefore(run, at)
  const pausedMs = run.pausedMs + resumedAt - session.pausedAt
  const state = run.state === null || run.state.heldByApp ? run.state : resumeClock(run.state, resumedAt)
  return { phase: 'active', run: { ...run, lastActivityAt: resumedAt, pausedMs, state }, past, offline }
}

/** What there is to tell when a run ends: the current state is left at the same instant, before the run is over. */
export function runEnded(run: Run, endedAt: EpochMs, reason: EndReason): SessionEffect[] {
  const { id: sessionId, startedAt } = run
  const durationMs = endedAt - startedAt - run.pausedMs
  const ended: SessionEffect = { type: 'ended', sessionId, startedAt, endedAt, durationMs, reason }
  return run.state === null ? [ended] : [stateLeft(run.state, endedAt, sessionId), ended]
}

/** The answer to a command at `at` that concerned this run. */
export function within(run: Run, at: EpochMs): SessionAnswer {
  return { as: 'session', sessionId: run.id, stateId: stateIdAt(run, at) }
}
