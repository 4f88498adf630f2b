import type { DropReason, Fate, QueuedAction, WireElement } from './action.ts'
import type { Flushes } from './flushes.ts'
import type { Settings } from './options.ts'
import type { Queue } from './queue.ts'
import { warningOf } from './transport.ts'

/** An action that will never arrive. */
export interface DroppedAction {
  readonly action: string
  readonly userId: string | undefined
  readonly deviceId: string | undefined
  readonly name: string | undefined
  readonly reason: DropReason
  /** What there is to say beyond the reason: the server's words, the schema's; else nothing. */
  readonly detail: string
}

/** What the rest of the client does when something happens to an action. */
export interface Hooks {
  /** The first pending action came, or the last went. */
  onBusy(isBusy: boolean): void
  onAnswer(action: QueuedAction, element: WireElement, warning: string | null): void
  onSettled(reqId: string): void
}

/** The one place where an action meets its fate: counted, reported and taken off the books once. */
export interface Ledger {
  readonly counts: {
    accepted: number
    sent: number
    skipped: number
    requests: number
    retried: number
  }
  readonly dropped: Partial<Record<DropReason, number>>
  deliver(action: QueuedAction, element: WireElement): void
  drop(action: QueuedAction, reason: DropReason, detail?: string): void
  /** Calls back at the next moment something left the queue. */
  onceLeft(run: () => void): void
}

export function createLedger(
  settings: Settings,
  queue: Queue,
  flushes: Flushes,
  hooks: Hooks,
  reqIdOf: (action: QueuedAction) => string,
): Ledger {
  const { tell, onDrop, telemetry } = settings
  const counts = { accepted: 0, sent: 0, skipped: 0, requests: 0, retried: 0 }
  const dropped: Partial<Record<DropReason, number>> = {}
  let left: (() => void)[] = []

  function deliver(action: QueuedAction, element: WireElement): void {
    const warning = warningOf(element)
    counts.sent += 1
    if (element['ignored'] === true || warning?.includes('skipped') === true) counts.skipped += 1
    if (warning !== null) tell('warn', warning, { action: action.action })
    hooks.onAnswer(action, element, warning)
    settle(action, { delivered: true, element })
  }

  function drop(action: QueuedAction, reason: DropReason, detail = ''): void {
    dropped[reason] = (dropped[reason] ?? 0) + 1
    telemetry?.dropped(reason)
    const { userId, deviceId } = action.subject
    const report = { action: action.action, userId, deviceId, name: action.name, reason, detail }
    tell('debug', 'dropped', report)
    try {
      onDrop?.(report)
    } catch (error) {
      tell('error', 'onDrop threw', { error })
    }
    settle(action, { delivered: false, reason, detail })
  }

  function settle(action: QueuedAction, fate: Fate): void {
    // Without a place in the order it never came to the queue.
    if (action.seq > 0) {
      queue.settled(action)
      flushes.settled(action.seq, fate.delivered)
      hooks.onSettled(reqIdOf(action))
      if (queue.count === 0) hooks.onBusy(false)
    }
    action.settle?.(fate)
    if (left.length === 0) return
    const runs = left
    left = []
    for (const run of runs) run()
  }

  return { counts, dropped, deliver, drop, onceLeft: (run) => void left.push(run) }
}
