import type { DropReason, Fate, QueuedAction, WireElement } from './action.ts'
import type { Flushes } from './flushes.ts'
import type { Settings } from './options.ts'
import type { Queue } from './queue.ts'
import { noticeOf } from './transport.ts'

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
  /** One left the queue. */
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
  /** @returns resolved: whoever tracked it has nothing more to wait for. */
  drop(action: QueuedAction, reason: DropReason, detail?: string): Promise<void>
}

/** For whoever has nothing to wait for. */
export const DONE = Promise.resolve()

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

  function deliver(action: QueuedAction, element: WireElement): void {
    const warning = noticeOf(element, 'warning')
    counts.sent += 1
    if (element['ignored'] === true || warning?.includes('skipped')) counts.skipped += 1
    if (warning) tell('warn', warning, { action: action.action })
    hooks.onAnswer(action, element, warning)
    settle(action, { delivered: true, element })
  }

  function drop(queued: QueuedAction, reason: DropReason, detail = ''): Promise<void> {
    dropped[reason] = (dropped[reason] ?? 0) + 1
    telemetry?.dropped(reason)
    const { action, subject, name } = queued
    const { userId, deviceId } = subject
    const report = { action, userId, deviceId, name, reason, detail }
    tell('debug', 'dropped', report)
    try {
      onDrop?.(report)
    } catch (error) {
      tell('error', 'onDrop threw', { error })
    }
    settle(queued, { delivered: false, reason, detail })
    return DONE
  }

  function settle(action: QueuedAction, fate: Fate): void {
    // Without a place in the order it never came to the queue.
    if (action.seq) {
      queue.settled(action)
      flushes.settled(action.seq, fate.delivered)
      hooks.onSettled(reqIdOf(action))
      if (!queue.count) hooks.onBusy(false)
    }
    action.settle?.(fate)
  }

  return { counts, dropped, deliver, drop }
}
