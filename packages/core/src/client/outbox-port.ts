import type { QueuedAction } from './action.ts'

/** Where accepted actions survive the process. One client at a time holds an outbox open. */
export interface Outbox {
  /** What earlier processes left behind, oldest first. Called once, before anything else. */
  open(): Promise<readonly QueuedAction[]>
  /** Resolves when it would survive a crash; calls that wait together share one flush to the disk. */
  append(action: QueuedAction, reqId: string): Promise<void>
  /** This one has met its fate. May be written late: what comes back is deduplicated by the server. */
  remove(reqId: string): void
  /** Resolves when nothing of what was removed can be read from the disk any more. */
  purge(): Promise<void>
  /** Resolves when everything is written. */
  close(): Promise<void>
}
