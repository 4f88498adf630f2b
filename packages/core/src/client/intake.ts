import { DamsonError } from '../errors.ts'
import type { DropReason, QueuedAction } from './action.ts'
import type { Settings } from './options.ts'
import type { Outbox } from './outbox-port.ts'
import type { Pipeline } from './pipeline.ts'

/** The door of the queue: gives each action its place, keeps the bound, writes the outbox. */
export interface Intake {
  take(action: QueuedAction, isUrgent: boolean): Promise<void>
  /** Reports something that will never arrive. */
  drop(action: QueuedAction, reason: DropReason, detail?: string): Promise<void>
  /** Resolves when what an earlier process left behind is queued; `null` if it is. Never rejects. */
  opening(): Promise<void> | null
  /** Drops what still waits for room, as far as `isTheirs` says. */
  turnAway(isTheirs: (action: QueuedAction) => boolean, reason: DropReason): void
  /** Refuses from here on; what still waited for room is dropped. */
  close(): void
}

const DONE = Promise.resolve()

export function createIntake(settings: Settings, pipeline: Pipeline): Intake {
  const { outbox, overflow, maxQueue, tell } = settings
  const isNow = settings.send === 'now'
  /** Waiting for room, or for the outbox to open. In order: whoever comes later waits behind them. */
  let line: { readonly action: QueuedAction; readonly leave: (how: () => Promise<void>) => void; isUrgent: boolean }[] =
    []
  let seq = 0
  let isClosed = false
  let opening: Promise<void> | null = null
  if (outbox !== undefined) opening = restore(outbox)

  function take(action: QueuedAction, isUrgent: boolean): Promise<void> {
    if (isClosed) return drop(action, 'closed')
    const isFull = !pipeline.hasRoom(action.bytes)
    if (opening !== null || line.length > 0 || (isFull && overflow === 'wait')) return queueUp(action, isUrgent)
    if (!isFull || (overflow === 'dropOldest' && pipeline.makeRoom(action.bytes))) return admit(action, isUrgent)
    void drop(action, 'queueFull')
    return overflow === 'reject' ? Promise.reject(queueFull(maxQueue)) : DONE
  }

  function queueUp(action: QueuedAction, isUrgent: boolean): Promise<void> {
    if (line.length >= maxQueue) return drop(action, 'queueFull')
    if (line.length === 0 && opening === null) pipeline.onceLeft(letIn)
    return new Promise((resolve) => line.push({ action, isUrgent, leave: (how) => resolve(how()) }))
  }

  function letIn(): void {
    const blocked = line.findIndex(({ action, isUrgent, leave }) => {
      if (!pipeline.hasRoom(action.bytes)) return true
      leave(() => admit(action, isUrgent))
      return false
    })
    line = blocked < 0 ? [] : line.slice(blocked)
    if (line.length > 0) pipeline.onceLeft(letIn)
  }

  function admit(action: QueuedAction, isUrgent: boolean): Promise<void> {
    action.seq = seq += 1
    const settled = isNow || outbox !== undefined ? untilSettled(action) : DONE
    pipeline.push(action, isUrgent || isNow)
    if (outbox === undefined) return settled
    const kept = outbox.append(action, pipeline.reqIdOf(action)).catch((error: unknown) => {
      tell('error', 'not in the outbox, in memory only', { error })
      return settled
    })
    return isNow ? settled : kept
  }

  async function restore(from: Outbox): Promise<void> {
    try {
      for (const action of await from.open()) {
        action.seq = seq += 1
        pipeline.push(action, false)
      }
    } catch (error) {
      tell('error', 'the outbox does not open', { error })
    }
    opening = null
    letIn()
  }

  function drop(action: QueuedAction, reason: DropReason, detail?: string): Promise<void> {
    pipeline.drop(action, reason, detail)
    return DONE
  }

  function turnAway(isTheirs: (action: QueuedAction) => boolean, reason: DropReason): void {
    line = line.filter(({ action, leave }) => {
      if (isTheirs(action)) leave(() => drop(action, reason))
      return !isTheirs(action)
    })
  }

  return {
    take,
    drop,
    opening: () => opening,
    turnAway,
    close() {
      isClosed = true
      turnAway(() => true, 'closed')
    },
  }
}

function untilSettled(action: QueuedAction): Promise<void> {
  return new Promise((resolve) => {
    const { settle } = action
    action.settle = (fate) => {
      settle?.(fate)
      resolve()
    }
  })
}

function queueFull(maxQueue: number): DamsonError {
  return new DamsonError('QUEUE_FULL', `${maxQueue} actions wait: flush(), or raise maxQueue.`, { isRetryable: true })
}
