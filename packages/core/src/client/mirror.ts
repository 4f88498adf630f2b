import type { EpochMs } from '../clock.ts'
import { NO_OUTLINE, phaseAt, reduceOutline } from '../session/outline.ts'
import type { MirroredSession, OutlineCommand, OutlineRules, SessionOutline } from '../session/outline.ts'

/**
 * What we believe of the sessions we serve, folded by the server's own rules. The server is the truth: a wrong belief
 * costs a request and is corrected by the next answer. Remembers at least the `mirrorSize` last used and at most twice as many:
 * two maps, of which the older one is let go.
 */
export interface Mirror {
  readonly sessionRules: OutlineRules
  readonly mirrorSize: number
  young: Map<string, Belief>
  old: Map<string, Belief>
}

interface Belief {
  outline: SessionOutline
  /** The server said that none is open, right after it was asked to resume one. */
  isDenied?: boolean
}

/** Folds a command in. An event of somebody we know nothing of teaches nothing: it opens no session. */
export function noteSession(mirror: Mirror, key: string, command: OutlineCommand, now: EpochMs): void {
  const belief = find(mirror, key)
  const outline = reduceOutline(belief?.outline ?? NO_OUTLINE, command, now, mirror.sessionRules)
  if (belief) belief.outline = outline
  else if (outline !== NO_OUTLINE) remember(mirror, key, { outline })
}

/** The action that must go first if an active event is to find a session; nothing if none must. */
export function openerOf(mirror: Mirror, key: string, now: EpochMs): 'start' | 'resumeSession' | undefined {
  const belief = find(mirror, key)
  if (belief && phaseAt(belief.outline, now, mirror.sessionRules) !== 'closed') return undefined
  return belief?.isDenied ? 'start' : 'resumeSession'
}

/**
 * The server knew no session for what happened at `at`. Sessions we believe to have begun later stay. Only where we had
 * just asked for one is `start` the way in: else another process may open or resume it meanwhile, and `start` would end that.
 */
export function denySession(mirror: Mirror, key: string, at: EpochMs): void {
  const belief = find(mirror, key)
  if (!belief || belief.outline.phase === 'closed' || belief.outline.startedAt > at) return
  belief.isDenied = belief.outline.startedAt === at
  belief.outline = NO_OUTLINE
}

export function forgetSession({ young, old }: Mirror, key: string): void {
  young.delete(key)
  old.delete(key)
}

/** As it is at `now`; `null` for one we know nothing of. */
export function sessionOf(mirror: Mirror, key: string, now: EpochMs): MirroredSession | null {
  const outline = find(mirror, key)?.outline
  if (!outline) return null
  const { startedAt, lastActivityAt, pausedMs } = outline
  const phase = phaseAt(outline, now, mirror.sessionRules)
  return { phase, startedAt, lastActivityAt, pausedMs, lapsed: phase === outline.phase ? null : outline.phase }
}

function find(mirror: Mirror, key: string): Belief | undefined {
  return mirror.young.get(key) ?? remember(mirror, key, mirror.old.get(key))
}

function remember(mirror: Mirror, key: string, belief: Belief | undefined): Belief | undefined {
  if (!belief) return undefined
  if (mirror.young.size >= mirror.mirrorSize) {
    mirror.old = mirror.young
    mirror.young = new Map()
  }
  mirror.young.set(key, belief)
  return belief
}
