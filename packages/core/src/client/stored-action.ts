import type { EpochMs } from '../clock.ts'
import { queuedAction, type QueuedAction } from './action.ts'
import { subjectOf } from './identity.ts'

/** One action as an outbox keeps it: all that is needed to send it after a restart. */
export interface StoredAction {
  readonly reqId: string
  readonly action: string
  readonly userId: string | undefined
  readonly deviceId: string | undefined
  readonly name: string | undefined
  readonly params: object | undefined
  readonly args: object | undefined
  readonly time: EpochMs
}

/** JSON leaves out what is `undefined`. */
export function storedOf({ action, subject, name, params, args, time }: QueuedAction, reqId: string): StoredAction {
  return { reqId, action, userId: subject.userId, deviceId: subject.deviceId, name, params, args, time }
}

/** @throws {DamsonError} IDENTITY_INVALID: it was not written by `storedOf`. */
export function restored(stored: StoredAction): QueuedAction {
  return queuedAction(subjectOf(stored), stored.action, stored, stored.time, undefined, stored.reqId)
}
