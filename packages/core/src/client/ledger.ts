import type { EpochMs } from '../clock.ts'
import type { DropReason, Fate, QueuedAction, WireElement } from './action.ts'
import type { Settings } from './options.ts'
import type { Queue } from './queue.ts'
import { noticeOf } from './transport.ts'

/** What a flush came to, of everything that was pending when it was asked for. */
export interface FlushReport {
  readonly sent: number
  readonly dropped: number
  /** Neither: waiting for a retry, or for consent. */
  readonly pending: number
}

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
  /** Waits for all that is pending, of which `upTo` came last. Waits may overlap: each counts for itself. */
  await(upTo: number, deadline: EpochMs): Promise<FlushReport>
  /** Ends the waits that are out of time, and those that would be before anything leaves, at `nextAt`. */
  release(now: EpochMs, nextAt: EpochMs): void
  /** When the first wait is out of time; `Infinity` when nobody waits. */
  deadline(): EpochMs
}

interface Waiter {
  readonly upTo: number
  readonly deadline: EpochMs
  readonly resolve: (report: FlushReport) => void
  readonly report: { -readonly [Part in keyof FlushReport]: number }
}

/** For whoever has nothing to wait for. */
export const DONE = Promise.resolve()

export function createLedger(
  { tell, onDrop, telemetry }: Settings,
  queue: Queue,
  hooks: Hooks,
  reqIdOf: (action: QueuedAction) => string,
): Ledger {
  const counts = { accepted: 0, sent: 0, skipped: 0, requests: 0, retried: 0 }
  const dropped: Partial<Record<DropReason, number>> = {}
  const waiters = new Set<Waiter>()

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
    const { seq } = action
    // Without a place in the order it never came to the queue.
    if (seq) {
      queue.settled(action)
      for (const waiter of waiters) {
        if (seq > waiter.upTo) continue
        waiter.report[fate.delivered ? 'sent' : 'dropped'] += 1
        if (!(waiter.report.pending -= 1)) finish(waiter)
      }
      hooks.onSettled(reqIdOf(action))
      if (!queue.count) hooks.onBusy(false)
    }
    action.settle?.(fate)
  }

  function finish(waiter: Waiter): void {
    waiters.delete(waiter)
    waiter.resolve(waiter.report)
  }

  return {
    counts,
    dropped,
    deliver,
    drop,
    await: (upTo, deadline) =>
      new Promise((resolve) => {
        const report = { sent: 0, dropped: 0, pending: queue.count }
        if (queue.count) waiters.add({ upTo, deadline, resolve, report })
        else resolve(report)
      }),
    release(now, nextAt) {
      for (const waiter of waiters) if (now >= waiter.deadline || nextAt > waiter.deadline) finish(waiter)
    },
    deadline: () => Math.min(...[...waiters].map(({ deadline }) => deadline)),
  }
}
