import type { EpochMs } from '../clock.ts'
import type { AppState, Run, SessionEffect } from './session.ts'

/** A state that was just entered, its clock running. */
export function newState(id: string, name: string, at: EpochMs): AppState {
  return { id, name, enteredAt: at, pausedMs: 0, pausedAt: null, heldByApp: false }
}

/** Stops the clock of a state; one that stands already keeps its first pause, and who made it. */
export function pauseClock(state: AppState, at: EpochMs, heldByApp: boolean): AppState {
  return state.pausedAt === null ? { ...state, pausedAt: at, heldByApp } : state
}

export function resumeClock(state: AppState, at: EpochMs): AppState {
  if (state.pausedAt === null) return state
  return { ...state, pausedMs: state.pausedMs + at - state.pausedAt, pausedAt: null, heldByApp: false }
}

export function stateEntered(
  state: { readonly id: string; readonly name: string },
  at: EpochMs,
  recordId: string,
  offline: boolean,
): SessionEffect {
  return { type: 'stateEntered', stateId: state.id, name: state.name, at, recordId, offline }
}

/** `at` is not before the state's clock was last touched. */
export function stateLeft(state: AppState, at: EpochMs, recordId: string): SessionEffect {
  const durationMs = (state.pausedAt ?? at) - state.enteredAt - state.pausedMs
  return { type: 'stateLeft', stateId: state.id, name: state.name, at, durationMs, recordId }
}

/** The id of the state the user was in at `at`; null before it was entered, as what came before it is not kept. */
export function stateIdAt(run: Run, at: EpochMs): string | null {
  return run.state !== null && run.state.enteredAt <= at ? run.state.id : null
}
