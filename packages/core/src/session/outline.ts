import { HOUR_MS, MINUTE_MS, type EpochMs } from '../clock.ts'
import type { Session, SessionCommand } from './session.ts'
import type { SessionRules } from './timing.ts'

/**
 * How long an open session lives without activity. Milliseconds; inclusive: at exactly this age it has ended.
 * @source documented: specification 6.1 F3, 6.4 (S-03)
 */
export const SESSION_INACTIVITY_MS = 2 * HOUR_MS

/**
 * How long a paused session waits before it ends, counted from the pause and not from the last activity. Inclusive.
 * @source documented: specification 6.1 F3, 6.4 (S-04)
 */
export const SESSION_PAUSED_MS = 30 * MINUTE_MS

/** A session without its ids, states and past: all that a client must believe to know what the next event needs. */
export interface SessionOutline {
  readonly phase: Session['phase']
  readonly startedAt: EpochMs
  /** When it is paused: since when. When it was stopped: since when as well. */
  readonly lastActivityAt: EpochMs
  /** Time spent paused so far, the present pause not included. Milliseconds. */
  readonly pausedMs: number
}

/** An outline as somebody sees it at one instant. */
export interface MirroredSession extends SessionOutline {
  /** In which phase it timed out, if that is how it ended. */
  readonly lapsed: Session['phase'] | null
}

export const NO_OUTLINE: SessionOutline = { phase: 'closed', startedAt: 0, lastActivityAt: 0, pausedMs: 0 }

/** The session rules that an outline follows; the others concern what it does not keep. */
export type OutlineRules = Pick<SessionRules, 'inactivityMs' | 'pausedMs' | 'mergeStartWithinPause'>

/** What a command means to an outline; `touch` only lets it expire. */
export type OutlineCommand = Exclude<SessionCommand['type'], 'advance' | 'pauseState' | 'resumeState'>

/**
 * The same as `outlineOf(reduceSession(session, command, at, rules).session)`, in a tenth of the code: a client bundles this
 * and not the reducer. `outline.test.ts` holds the one against the other. `track` is an active event; pausing, resuming
 * and entering a state mean the same to it. Pure; gives the very same outline back where nothing changes.
 */
export function reduceOutline(
  outline: SessionOutline,
  command: OutlineCommand,
  at: EpochMs,
  rules: OutlineRules,
): SessionOutline {
  const { startedAt, lastActivityAt, pausedMs } = outline
  // It happened before the newest session, and so concerns the past only.
  if (at < startedAt) return outline
  const phase = phaseAt(outline, at, rules)
  const now = Math.max(at, lastActivityAt)
  const isStart = command === 'start'
  const isOpening = isStart || command === 'resume'
  if (phase === 'active') {
    if (isStart) return begun(phase, now)
    if (command === 'pause') return continued('paused', startedAt, now, pausedMs)
    if (command === 'stop') return continued('closed', startedAt, now, pausedMs)
    const isActivity = isOpening || command === 'track' || command === 'heartbeat'
    return isActivity && now > lastActivityAt ? continued(phase, startedAt, now, pausedMs) : outline
  }
  if (phase === 'paused' && isOpening) {
    if (isStart && !rules.mergeStartWithinPause) return begun('active', now)
    return continued('active', startedAt, now, pausedMs + now - lastActivityAt)
  }
  if (phase !== 'closed' && command === 'stop') return continued('closed', startedAt, lastActivityAt, pausedMs)
  // A session that was stopped is not begun again by what happened before its end.
  if (phase === 'paused' || (outline.phase === 'closed' && at < lastActivityAt)) return outline
  if (isOpening) return begun('active', at)
  return command === 'startInBackground' ? begun('background', at) : outline
}

/** Its phase for whoever looks at `at`: one past its deadline has ended, whether or not anybody folded that in. */
export function phaseAt(outline: SessionOutline, at: EpochMs, rules: OutlineRules): Session['phase'] {
  const { phase, lastActivityAt } = outline
  return at < lastActivityAt + (phase === 'paused' ? rules.pausedMs : rules.inactivityMs) ? phase : 'closed'
}

function continued(
  phase: Session['phase'],
  startedAt: EpochMs,
  lastActivityAt: EpochMs,
  pausedMs: number,
): SessionOutline {
  return { phase, startedAt, lastActivityAt, pausedMs }
}

function begun(phase: 'active' | 'background', at: EpochMs): SessionOutline {
  return continued(phase, at, at, 0)
}
