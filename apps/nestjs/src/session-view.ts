import { systemClock, type Clock, type Tracker } from '@damson/core'

/** What the panel shows: what this process believes of somebody's session. */
export interface SessionView {
  readonly user: string | null
  readonly phase: string
  /** How long they looked, the present moment included. */
  readonly activeMs: number
}

export function sessionView(tracker: Tracker | null, clock: Clock = systemClock): SessionView {
  const user = tracker?.userId ?? null
  const session = tracker?.session ?? null
  if (session === null || session.phase === 'closed') return { user, phase: 'none', activeMs: 0 }
  const until = session.phase === 'paused' ? session.lastActivityAt : clock.now()
  return { user, phase: session.phase, activeMs: until - session.startedAt - session.pausedMs }
}
