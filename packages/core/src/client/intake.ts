import { DamsonError } from '../errors.ts'
import type { DropReason, QueuedAction } from './action.ts'
import type { Settings } from './options.ts'
import type { Outbox } from './outbox-port.ts'
import { DONE } from './ledger.ts'
import type { Pipeline } from './pipeline.ts'

/** The door of the queue: gives each action its place, keeps the bound, writes the outbox. */
export interface Intake {
  take(action: QueuedAction, isUrgent: boolean): Promise<void>
  /** Resolves when what an earlier process left behind is queued; nothing if it is. Never rejects. */
  opening(): Promise<void> | undefined
  /** Something left the queue: there may be room for those who wait. */
  letIn(): void
  /** Drops what still waits for room, of one profile or of all. */
  turnAway(reason: DropReason, lane?: string): void
  /** Refuses from here on; what still waited for room is dropped. */
  close(): void
}

interface Waiting {
  readonly action: QueuedAction
  readonly isUrgent: boolean
  readonly leave: (done: Promise<void>) => void
}

export function createIntake(settings: Settings, pipeline: Pipeline): Intake {
  const { outbox, overflow, maxQueue, tell } = settings
  const { drop, push, hasRoom, reqIdOf } = pipeline
  const isNow = settings.send === 'now'
  /** Waiting for room, or for the outbox to open. In order: whoever comes later waits behind them. */
  const line = new Set<Waiting>()
  let seq = 0
  let isClosed = false
  let opening = outbox && restore(outbox)

  function take(action: QueuedAction, isUrgent: boolean): Promise<void> {
    if (isClosed) return drop(action, 'closed')
    const isBehind = opening || line.size
    if (!isBehind && hasRoom(action.bytes, overflow === 'dropOldest')) return admit(action, isUrgent)
    if ((isBehind || overflow === 'wait') && line.size < maxQueue) {
      return new Promise((leave) => line.add({ action, isUrgent, leave }))
    }
    const dropped = drop(action, 'queueFull')
    if (overflow !== 'reject') return dropped
    const problem = `${maxQueue} actions wait: flush(), or raise maxQueue.`
    return Promise.reject(new DamsonError('QUEUE_FULL', problem, { isRetryable: true }))
  }

  function letIn(): void {
    for (const each of line) {
      if (!hasRoom(each.action.bytes, false)) return
      line.delete(each)
      each.leave(admit(each.action, each.isUrgent))
    }
  }

  function admit(action: QueuedAction, isUrgent: boolean): Promise<void> {
    action.seq = seq += 1
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
    push(action, isUrgent || isNow)
    const kept = outbox?.append(action, reqIdOf(action)).catch((error: unknown) => {
      tell('error', 'not in the outbox, in memory only', { error })
      return settled
    })
    return isNow ? settled : (kept ?? settled)
  }

  async function restore(from: Outbox): Promise<void> {
    try {
      for (const action of await from.open()) {
        action.seq = seq += 1
        push(action, false)
      }
    } catch (error) {
      tell('error', 'the outbox does not open', { error })
    }
    opening = undefined
    letIn()
  }

  function turnAway(reason: DropReason, lane?: string): void {
    // Of those who wait now: whoever hears of a drop may track something.
    for (const each of [...line]) {
      if (lane && each.action.subject.lane !== lane) continue
      line.delete(each)
      each.leave(drop(each.action, reason))
    }
  }

  return {
    take,
    opening: () => opening,
    letIn,
    turnAway,
    close() {
      isClosed = true
      turnAway('closed')
    },
  }
}
