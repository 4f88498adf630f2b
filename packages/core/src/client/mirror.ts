import type { EpochMs } from '../clock.ts'
import { reduceSession } from '../session/reduce.ts'
import { NO_SESSION, type Session, type SessionCommand } from '../session/session.ts'
import type { SessionRules } from '../session/timing.ts'

/**
 * What we believe of the sessions we serve, folded by the server's own reducer. The server is the truth: a wrong belief
 * costs a request and is corrected by the next answer.
 */
export interface Mirror {
  note(key: string, command: SessionCommand, now: EpochMs): void
  /** The action that must go first if an active event is to find a session. */
  opener(key: string, now: EpochMs): 'start' | 'resumeSession' | null
  /** An active event happened; the cheap way to say `note(track)`. */
  touched(key: string, now: EpochMs): void
  /** Whether an active session has gone without activity for `quietMs`; by default until it nears its time-out. */
  isHeartbeatDue(key: string, now: EpochMs, quietMs?: number): boolean
  /**
   * The server knew no session for what happened at `at`. Sessions we believe to have begun later stay. Only where we had
   * just asked for one is `start` the way in: else another process may open or resume it meanwhile, and `start` would end that.
   */
  denied(key: string, at: EpochMs): void
  forget(key: string): void
  /** As it is at `now`; `null` for one we know nothing of. */
  session(key: string, now: EpochMs): Session | null
}

interface Belief {
  session: Session
  /** Active events since the last fold: they all say the same, so only the last is kept. */
  touchedAt: EpochMs
  /** The server said that none is open, right after it was asked to resume one. */
  isDenied: boolean
}

const TOUCH: SessionCommand = { type: 'touch' }
const TRACK: SessionCommand = { type: 'track', disposition: 'active', offlineId: '' }

export function createMirror(rules: SessionRules, size: number, marginMs: number): Mirror {
  const beliefs = createRecent<Belief>(size)

  /** Folds in what was only remembered, then the command: the same as folding each in turn. */
  function fold(belief: Belief, command: SessionCommand, now: EpochMs): Session {
    let { session } = belief
    if (belief.touchedAt > 0) session = reduceSession(session, TRACK, belief.touchedAt, rules).session
    belief.touchedAt = 0
    session = reduceSession(session, command, now, rules).session
    // The mirror asks about now only: what may still be amended is the server's affair, and memory here.
    belief.session = { ...session, past: [], offline: null }
    return belief.session
  }

  /** Certainly open without folding anything: the common case, in a few nanoseconds. */
  function isFresh({ session, touchedAt }: Belief, now: EpochMs): boolean {
    if (session.phase !== 'active') return false
    const lastAt = Math.max(touchedAt, session.run.lastActivityAt)
    return now - lastAt < rules.inactivityMs && now >= lastAt
  }

  return {
    note(key, command, now) {
      let belief = beliefs.get(key)
      if (belief === undefined) beliefs.set(key, (belief = { session: NO_SESSION, touchedAt: 0, isDenied: false }))
      fold(belief, command, now)
    },
    opener(key, now) {
      const belief = beliefs.get(key)
      if (belief === undefined) return 'resumeSession'
      if (isFresh(belief, now) || fold(belief, TOUCH, now).phase !== 'closed') return null
      return belief.isDenied ? 'start' : 'resumeSession'
    },
    touched(key, now) {
      const belief = beliefs.get(key)
      if (belief === undefined) return
      // The last fold must still reach it, or the events between would be needed to bridge the gap.
      const isBridged =
        belief.session.phase === 'active' && now - belief.session.run.lastActivityAt < rules.inactivityMs
      if (isBridged && isFresh(belief, now)) belief.touchedAt = now
      else fold(belief, TRACK, now)
    },
    isHeartbeatDue(key, now, quietMs = rules.inactivityMs - marginMs) {
      const belief = beliefs.get(key)
      if (belief === undefined) return false
      const session = fold(belief, TOUCH, now)
      return session.phase === 'active' && now - session.run.lastActivityAt >= quietMs
    },
    denied(key, at) {
      const belief = beliefs.get(key)
      if (belief === undefined || belief.session.phase === 'closed') return
      const { startedAt } = belief.session.run
      if (startedAt <= at) beliefs.set(key, { session: NO_SESSION, touchedAt: 0, isDenied: startedAt === at })
    },
    forget: (key) => beliefs.delete(key),
    session(key, now) {
      const belief = beliefs.get(key)
      return belief === undefined ? null : fold(belief, TOUCH, now)
    },
  }
}

/** Remembers at least the `size` last used and at most twice as many: two maps, of which the older one is let go. */
function createRecent<T>(size: number) {
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  function set(key: string, value: T): void {
    if (young.size >= size && !young.has(key)) {
      old = young
      young = new Map()
    }
    young.set(key, value)
  }
  return {
    set,
    get(key: string): T | undefined {
      const value = young.get(key)
      if (value !== undefined) return value
      const older = old.get(key)
      if (older !== undefined) {
        old.delete(key)
        set(key, older)
      }
      return older
    },
    delete(key: string): void {
      young.delete(key)
      old.delete(key)
    },
  }
}
