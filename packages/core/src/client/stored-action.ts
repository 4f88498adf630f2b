import type { EpochMs } from '../clock.ts'
import { estimateBytes, type QueuedAction } from './action.ts'
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
  const { action, name, params, args, time, reqId } = stored
  const subject = subjectOf(stored)
  const bytes = estimateBytes(subject, name, params, args)
  return { action, subject, name, params, args, time, seq: 0, reqId, bytes, settle: undefined, trouble: null }
}
