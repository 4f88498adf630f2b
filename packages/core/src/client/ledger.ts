import type { EpochMs } from '../clock.ts'
import type { DropReason, Fate, QueuedAction, WireElement } from './action.ts'
import type { Core, Waiter } from './core.ts'
import { reqIdOf } from './action.ts'
import { denySession } from './mirror.ts'
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

/**
 * For whoever has nothing to wait for. It never rejects, so `catch` has nothing to do: where promises are watched, as by
 * `AsyncLocalStorage` on Node 20, the one it would make costs ten times what tracking does.
 */
export const DONE = Promise.resolve()
DONE.catch = () => DONE

/** The server has taken it. */
export function deliver(core: Core, queued: QueuedAction, element: WireElement): void {
  const { counts, tell } = core
  const { action, subject, time } = queued
  const warning = noticeOf(element, 'warning')
  counts.sent += 1
  if (element['ignored'] || warning?.includes('skipped')) counts.skipped += 1
  if (warning) tell('warn', warning, { action })
  // There was no session where we believed in one.
  if (element['isOffline'] || warning?.startsWith('No active session')) {
    denySession(core, subject.session, time)
  }
  settle(core, queued, { delivered: true, element })
}

/**
 * It will never arrive.
 * @returns resolved: whoever tracked it has nothing more to wait for.
 */
export function drop(core: Core, queued: QueuedAction, reason: DropReason, detail = ''): Promise<void> {
  const { dropped, tell } = core
  dropped[reason] = (dropped[reason] ?? 0) + 1
  core.telemetry?.dropped(reason)
  const { action, subject, name } = queued
  const { userId, deviceId } = subject
  const report = { action, userId, deviceId, name, reason, detail }
  tell('debug', 'dropped', report)
  try {
    core.onDrop?.(report)
  } catch (error) {
    tell('error', 'onDrop threw', { error })
  }
  settle(core, queued, { delivered: false, reason, detail })
  return DONE
}

/** The one place where an action meets its fate, and is taken off the books once. */
function settle(core: Core, action: QueuedAction, fate: Fate): void {
  const { seq } = action
  // Without a place in the order it never came to the queue.
  if (seq) {
    core.count -= 1
    core.bytes -= action.bytes
    for (const waiter of core.waiters) {
      if (seq > waiter.upTo) continue
      waiter.report[fate.delivered ? 'sent' : 'dropped'] += 1
      if (!(waiter.report.pending -= 1)) finish(core, waiter)
    }
    core.outbox?.remove(reqIdOf(core, action))
    core.onLeft()
    if (!core.count) core.onBusy(false)
  }
  action.settle?.(fate)
}

/** Ends the waits that are out of time, and those that would be before anything leaves, at `nextAt`. */
export function release(core: Core, now: EpochMs, nextAt: EpochMs): void {
  for (const waiter of core.waiters) if (now >= waiter.deadline || nextAt > waiter.deadline) finish(core, waiter)
}

function finish({ waiters }: Core, waiter: Waiter): void {
  waiters.delete(waiter)
  waiter.resolve(waiter.report)
}

/** When the first wait is out of time; `Infinity` when nobody waits. */
export function firstDeadline({ waiters }: Core): EpochMs {
  return Math.min(...[...waiters].map(({ deadline }) => deadline))
}
