import type { EpochMs } from '../clock.ts'
import type { DropReason } from './action.ts'

/** An action before it is queued. Steps return a changed copy; what they are given is never shared with the caller. */
export interface Draft {
  readonly action: string
  readonly userId: string | undefined
  readonly deviceId: string | undefined
  /** Of the caller's request, if the tracker was given it. */
  readonly userAgent: string | undefined
  /** `event` or `state`. */
  readonly name: string | undefined
  readonly params: Readonly<Record<string, unknown>> | undefined
  /** The other arguments: `value`, `info`, `userAttributes` … */
  readonly args: Readonly<Record<string, unknown>> | undefined
  readonly time: EpochMs
}

/** Looks at an action before it is queued: returns it, a changed copy, or `null` to drop it. */
export type BeforeSend = (draft: Draft) => Draft | Rejection | null

/** Drops an action for a reason of its own. */
export interface Rejection {
  readonly drop: DropReason
  /** What there is to say beyond the reason. */
  readonly detail?: string
}
