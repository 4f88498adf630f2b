import type { EpochMs } from '../clock.ts'
import { NO_OUTLINE, phaseAt, reduceOutline } from '../session/outline.ts'
import type { MirroredSession, OutlineCommand, OutlineRules, SessionOutline } from '../session/outline.ts'

/**
 * What we believe of the sessions we serve, folded by the server's own rules. The server is the truth: a wrong belief
 * costs a request and is corrected by the next answer.
 */
export interface Mirror {
  /** An event of somebody we know nothing of teaches nothing: it opens no session. */
  note(key: string, command: OutlineCommand, now: EpochMs): void
  /** The action that must go first if an active event is to find a session. */
  opener(key: string, now: EpochMs): 'start' | 'resumeSession' | undefined
  /** Whether an active session has gone without activity for `quietMs`. */
  isQuiet(key: string, now: EpochMs, quietMs: number): boolean
  /**
   * The server knew no session for what happened at `at`. Sessions we believe to have begun later stay. Only where we had
   * just asked for one is `start` the way in: else another process may open or resume it meanwhile, and `start` would end that.
   */
  denied(key: string, at: EpochMs): void
  forget(key: string): void
  /** As it is at `now`; `null` for one we know nothing of. */
  session(key: string, now: EpochMs): MirroredSession | null
}

interface Belief {
  outline: SessionOutline
  /** The server said that none is open, right after it was asked to resume one. */
  isDenied?: boolean
}

/** Remembers at least the `size` last used and at most twice as many: two maps, of which the older one is let go. */
export function createMirror(rules: OutlineRules, size: number): Mirror {
  let young = new Map<string, Belief>()
  let old = new Map<string, Belief>()

  function find(key: string): Belief | undefined {
    const belief = young.get(key)
    const older = belief ? undefined : old.get(key)
    return older ? remember(key, older) : belief
  }

  function remember(key: string, belief: Belief): Belief {
    if (young.size >= size) {
      old = young
      young = new Map()
    }
    young.set(key, belief)
    return belief
  }

  const phaseOf = (belief: Belief | undefined, now: EpochMs) =>
    belief ? phaseAt(belief.outline, now, rules) : 'closed'

  return {
    note(key, command, now) {
      const belief = find(key)
      const outline = reduceOutline(belief?.outline ?? NO_OUTLINE, command, now, rules)
      if (belief) belief.outline = outline
      else if (outline !== NO_OUTLINE) remember(key, { outline })
    },
    opener(key, now) {
      const belief = find(key)
      if (phaseOf(belief, now) === 'closed') return belief?.isDenied ? 'start' : 'resumeSession'
    },
    isQuiet(key, now, quietMs) {
      const belief = find(key)
      return phaseOf(belief, now) === 'active' && now - belief!.outline.lastActivityAt >= quietMs
    },
    denied(key, at) {
      const belief = find(key)
      if (!belief || belief.outline.phase === 'closed' || belief.outline.startedAt > at) return
      belief.isDenied = belief.outline.startedAt === at
      belief.outline = NO_OUTLINE
    },
    forget(key) {
      young.delete(key)
      old.delete(key)
    },
    session(key, now) {
      const belief = find(key)
      if (!belief) return null
      const phase = phaseOf(belief, now)
      return { ...belief.outline, phase, lapsed: phase === belief.outline.phase ? null : belief.outline.phase }
    },
  }
}
