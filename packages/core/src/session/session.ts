import type { EpochMs } from '../clock.ts'

/** The part of the app the user is in (specification 6.6). Its clock stops while it or the session is paused. */
export interface AppState {
  readonly id: string
  readonly name: string
  readonly enteredAt: EpochMs
  readonly pausedMs: number
  readonly pausedAt: EpochMs | null
  /** Paused by `pauseState`: resuming the session leaves it paused (unknowns 55). */
  readonly heldByApp: boolean
}

/** One use of the app, while it is open. */
export interface Run {
  readonly id: string
  readonly startedAt: EpochMs
  readonly lastActivityAt: EpochMs
  /** Time spent paused so far, the present pause not included. Milliseconds. */
  readonly pausedMs: number
  readonly state: AppState | null
}

/** A session that is over but still takes events that happened inside it. */
export interface PastSession {
  readonly id: string
  readonly startedAt: EpochMs
  readonly endedAt: EpochMs
  readonly pausedMs: number
  /** Made by a `start` that came late: still grows with its own late events, up to the next session. */
  readonly growing: boolean
}

/** What happened outside sessions, collected (specification 6.7). */
export interface OfflineRecord {
  readonly id: string
  readonly openedAt: EpochMs
}

interface Lane {
  /** Amendable sessions, oldest first, never overlapping. */
  readonly past: readonly PastSession[]
  readonly offline: OfflineRecord | null
}

export interface ActiveSession extends Lane {
  readonly phase: 'active'
  readonly run: Run
}

export interface PausedSession extends Lane {
  readonly phase: 'paused'
  readonly run: Run
  readonly pausedAt: EpochMs
}

/** Begun by `start` with `background=true`: not counted, holds nothing, until it is resumed (F5). */
export interface BackgroundSession extends Lane {
  readonly phase: 'background'
  readonly run: Run
}

export interface ClosedSession extends Lane {
  readonly phase: 'closed'
  /**
   * The run that timed out last, as it was, if no other began since. An action whose event time lies before that
   * run's deadline finds it open again: so a sweep that came early changes nothing that can be observed.
   */
  readonly lapsed:
    | { readonly phase: 'active'; readonly run: Run }
    | { readonly phase: 'paused'; readonly run: Run; readonly pausedAt: EpochMs }
    | { readonly phase: 'background'; readonly run: Run }
    | null
}

/** The session of one user on one device (the device may be none), with what may still be amended. */
export type Session = ActiveSession | PausedSession | BackgroundSession | ClosedSession

export type Disposition = 'active' | 'passive' | 'requireActive'

/** Ids are given, not made: the reducer is pure. Each is used only if that thing comes to be. */
export type SessionCommand =
  | { readonly type: 'start'; readonly id: string }
  | { readonly type: 'startInBackground'; readonly id: string }
  | { readonly type: 'resume'; readonly id: string }
  | { readonly type: 'pause' }
  | { readonly type: 'heartbeat' }
  | { readonly type: 'stop'; readonly reason?: 'stop' | 'switch' }
  | { readonly type: 'track'; readonly disposition: Disposition; readonly offlineId: string }
  /** `state: ''` leaves the current state without entering one. */
  | { readonly type: 'advance'; readonly state: string; readonly stateId: string; readonly offlineId: string }
  | { readonly type: 'pauseState' }
  | { readonly type: 'resumeState' }
  /** Something that concerns the profile and not its activity (attributes, traffic source): only expiry is looked at. */
  | { readonly type: 'touch' }

export type EndReason = 'stop' | 'switch' | 'restart' | 'timeout' | 'pauseTimeout'

/** What a transition did, in order. The engine turns these into counters and history. */
export type SessionEffect =
  /** A run began. `counted: false` for a background start. */
  | { readonly type: 'started'; readonly sessionId: string; readonly at: EpochMs; readonly counted: boolean }
  /** A background run became a session; `at` is its new start. */
  | { readonly type: 'counted'; readonly sessionId: string; readonly at: EpochMs }
  | { readonly type: 'paused'; readonly sessionId: string; readonly at: EpochMs }
  | { readonly type: 'resumed'; readonly sessionId: string; readonly at: EpochMs }
  | {
      readonly type: 'ended'
      readonly sessionId: string
      readonly startedAt: EpochMs
      readonly endedAt: EpochMs
      /** `endedAt - startedAt` without the pauses. Milliseconds. */
      readonly durationMs: number
      readonly reason: EndReason
    }
  /**
   * A timed-out session turned out to be open after all; takes back its `ended`, `durationMs` included. A state left by
   * that time-out is still current and will be left again: of one state, the last `stateLeft` holds.
   */
  | { readonly type: 'reopened'; readonly sessionId: string; readonly durationMs: number }
  /** A session that a late `start` made, or made longer: `durationMs` is what was added. */
  | { readonly type: 'extended'; readonly sessionId: string; readonly endedAt: EpochMs; readonly durationMs: number }
  /** A background run that was never resumed. */
  | { readonly type: 'discarded'; readonly sessionId: string }
  /** `recordId` is a session's or an offline record's id. */
  | {
      readonly type: 'stateEntered'
      readonly stateId: string
      readonly name: string
      readonly at: EpochMs
      readonly recordId: string
      readonly offline: boolean
    }
  | {
      readonly type: 'stateLeft'
      readonly stateId: string
      readonly name: string
      readonly at: EpochMs
      /** Time in the state without its pauses. Milliseconds. */
      readonly durationMs: number
      readonly recordId: string
    }
  | { readonly type: 'offlineOpened'; readonly recordId: string; readonly at: EpochMs }
  /** The user was active at `at` (specification 6.4, "Activity"). */
  | { readonly type: 'activity'; readonly at: EpochMs }

/** What became of the command itself. */
export type SessionAnswer =
  /** Done within a session, or concerning one. `stateId` is the state current at the command's time. */
  | { readonly as: 'session'; readonly sessionId: string; readonly stateId: string | null }
  /** Stored outside any open session (F13, F14). */
  | { readonly as: 'offline'; readonly recordId: string }
  /** Needs a session and there is none. */
  | { readonly as: 'noSession' }
  /** Nothing to say (`touch`, a background start that changed nothing). */
  | { readonly as: 'nothing' }

export interface Transition {
  readonly session: Session
  readonly effects: readonly SessionEffect[]
  readonly answer: SessionAnswer
}

/** No session yet, nothing to amend. */
export const NO_SESSION: ClosedSession = { phase: 'closed', lapsed: null, past: [], offline: null }
