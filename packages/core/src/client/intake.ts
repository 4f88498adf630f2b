import { DamsonError } from '../errors.ts'
import { reqIdOf, type DropReason, type QueuedAction } from './action.ts'
import type { Core } from './core.ts'
import { DONE, drop } from './ledger.ts'
import type { Outbox } from './outbox-port.ts'
import { hasRoom, push } from './pipeline.ts'

/** What it did not keep is in memory only. */
export const OUTBOX_FAILED = 'the outbox failed'

/**
 * The door of the queue: keeps the bound.
 * @returns resolves once the action is accepted, or dropped and reported.
 */
export function take(core: Core, action: QueuedAction, isUrgent?: boolean): Promise<void> {
  const { line, overflow, maxQueue } = core
  if (core.isClosed) return drop(core, action, 'closed')
  const isBehind = core.opening || line.size
  if (!isBehind && hasRoom(core, action.bytes, overflow === 'dropOldest')) return admit(core, action, isUrgent)
  if ((isBehind || overflow === 'wait') && line.size < maxQueue) {
    return new Promise((leave) => line.add({ action, isUrgent, leave }))
  }
  const dropped = drop(core, action, 'queueFull')
  if (overflow !== 'reject') return dropped
  return Promise.reject(new DamsonError('QUEUE_FULL', `maxQueue (${maxQueue}) is reached.`, { isRetryable: true }))
}

/** Admits those who wait, as far as there is room. */
export function letIn(core: Core): void {
  for (const guest of core.line) {
    if (!hasRoom(core, guest.action.bytes, false)) return
    core.line.delete(guest)
    guest.leave(admit(core, guest.action, guest.isUrgent))
  }
}

/** Gives it its place in the order, and writes the outbox. */
function admit(core: Core, action: QueuedAction, isUrgent?: boolean): Promise<void> {
  const { outbox } = core
  const isNow = core.send === 'now'
  action.seq = core.seq += 1
  let settled = DONE
  if (isNow || outbox) {
    const { settle } = action
    settled = new Promise((resolve) => {
      action.settle = (fate) => {
        settle?.(fate)
        resolve()
      }
    })
  }
  push(core, action, isUrgent || isNow)
  const kept = outbox?.append(action, reqIdOf(core, action)).catch((error: unknown) => {
    core.tell('error', OUTBOX_FAILED, { error })
    return settled
  })
  return isNow ? settled : (kept ?? settled)
}

/** Queues what an earlier process left behind. Never rejects. */
export async function restore(core: Core, outbox: Outbox): Promise<void> {
  try {
    for (const action of await outbox.open()) {
      action.seq = core.seq += 1
      push(core, action)
    }
  } catch (error) {
    core.tell('error', OUTBOX_FAILED, { error })
  }
  core.opening = undefined
  letIn(core)
}

/** Drops what waits for room or for consent, of one profile or of all. */
export function turnAway(core: Core, reason: DropReason, lane?: string): void {
  // Of those who wait now: whoever hears of a drop may track something.
  for (const guest of [...core.line].filter(({ action }) => !lane || action.subject.lane === lane)) {
    core.line.delete(guest)
    guest.leave(drop(core, guest.action, reason))
  }
  for (const action of withdraw(core, lane)) void drop(core, action, reason)
}

/** Takes out what waits for consent, of one profile or of all. */
export function withdraw({ held }: Core, lane?: string): QueuedAction[] {
  const theirs = [...held].filter(({ subject }) => !lane || subject.lane === lane)
  for (const action of theirs) held.delete(action)
  return theirs
}
