import type { EpochMs } from '@damson/core'
import type { Message } from './compile.ts'

/** Whether a message is in its term at `now`: from its start until its end. */
export function isWithin({ startAt, endAt }: Pick<Message, 'startAt' | 'endAt'>, now: EpochMs): boolean {
  return startAt <= now && now < endAt
}
