import { DamsonError } from '../errors.ts'
import type { DropReason, Fate, QueuedAction } from './action.ts'
import type { Settings } from './options.ts'
import type { Outbox } from './outbox-port.ts'
import type { Pipeline } from './pipeline.ts'

/** The door of the queue: gives each action its place, keeps the bound, writes the outbox. */
export interface Intake {
  take(action: QueuedAction, isUrgent: boolean): Promise<void>
  /** Reports something that will never arrive. */
  drop(action: QueuedAction, reason: DropReason, detail: string): Promise<void>
  /** Resolves when what an earlier process left behind is queued; `null` if it is. Never rejects. */
  opening(): Promise<void> | null
  /** Refuses from here on; what still waited for room is dropped. */
  close(): void
}

const DONE = Promise.resolve()

export function createIntake(settings: Settings, pipeline: Pipeline): Intake {
  const { outbox, overflow, maxQueue, logger } = settings
  /** Waiting for room, or for the outbox to open. In order: whoever comes later waits behind them. */
  let line: {
    readonly action: QueuedAction
    readonly isUrgent: boolean
    readonly resolve: (done: Promise<void>) => void
  }[] = []
  let seq = 0
  let isClosed = false
  let isOpening = outbox !== null
  const opening = outbox === null ? null : restore(outbox)

  function take(action: QueuedAction, isUrgent: boolean): Promise<void> {
    if (isClosed) return drop(action, 'closed', 'the client is closed')
    if (isOpening || line.length > 0) return queueUp(action, isUrgent)
    if (pipeline.hasRoom(action.bytes)) return admit(action, isUrgent)
    if (overflow === 'wait') return queueUp(action, isUrgent)
    if (overflow === 'dropOldest' && pipeline.makeRoom(action.bytes)) return admit(action, isUrgent)
    const dropped = drop(action, 'queueFull', `more than ${maxQueue} pending`)
    return overflow === 'reject' ? Promise.reject(queueFull(maxQueue)) : dropped
  }

  function queueUp(action: QueuedAction, isUrgent: boolean): Promise<void> {
    if (line.length >= maxQueue) return drop(action, 'queueFull', `more than ${maxQueue} wait for room`)
    if (line.length === 0 && !isOpening) pipeline.onceLeft(letIn)
    return new Promise((resolve) => line.push({ action, isUrgent, resolve }))
  }

  function letIn(): void {
    let next = 0
    for (; next < line.length && pipeline.hasRoom(line[next]!.action.bytes); next += 1) {
      const { action, isUrgent, resolve } = line[next]!
      resolve(admit(action, isUrgent))
    }
    line = line.slice(next)
    if (line.length > 0) pipeline.onceLeft(letIn)
  }

  function admit(action: QueuedAction, isUrgent: boolean): Promise<void> {
    const isNow = settings.send === 'now'
    action.seq = seq += 1
    const settled = isNow || outbox !== null ? untilSettled(action) : DONE
    pipeline.push(action, isUrgent || isNow)
    if (outbox === null) return settled
    const kept = outbox.append(action, pipeline.reqIdOf(action)).catch((error: unknown) => {
      logger.error('damson: the outbox did not take an action; it is in memory only', { error })
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
      logger.error('damson: the outbox could not be opened; what it holds stays there', { error })
    }
    isOpening = false
    letIn()
  }

  function drop(action: QueuedAction, reason: DropReason, detail: string): Promise<void> {
    pipeline.drop(action, reason, detail)
    return DONE
  }

  return {
    take,
    drop,
    opening: () => (isOpening ? opening : null),
    close() {
      isClosed = true
      for (const { action, resolve } of line) resolve(drop(action, 'closed', 'closed while it waited for room'))
      line = []
    },
  }
}

function untilSettled(action: QueuedAction): Promise<void> {
  return new Promise((resolve) => {
    const { settle } = action
    action.settle = (fate: Fate) => {
      settle?.(fate)
      resolve()
    }
  })
}

function queueFull(maxQueue: number): DamsonError {
  const message = `The queue holds ${maxQueue} actions and takes no more. Await flush(), raise maxQueue, or choose another overflow.`
  return new DamsonError('QUEUE_FULL', message, { isRetryable: true })
}
