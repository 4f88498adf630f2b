import type { Answer } from './answer.ts'
import type { HttpLimits } from './limits.ts'

/** What a platform needs of a server to carry requests to it. */
export interface Mountable {
  readonly answer: Answer
  readonly limits: HttpLimits
  /** From now on connections should not be kept for a next request. */
  isStopping(): boolean
}

/** A server that has something to do before the first request and after the last. */
export interface Lifecycle {
  start(): Promise<void>
  /** From now on `/readyz` says no, and answers close their connection. */
  drain(): void
  /** Lets go of everything; the store last. The same promise however often it is called. */
  stop(): Promise<void>
}
