import type { EpochMs } from '@damson/core'

/**
 * Something to be sent out because of what a turn did: committed with it, sent later by whoever claims it. `data` is the
 * sender's own JSON text; the store does not look into it.
 */
export interface NewDelivery {
  /** Unique in the store; the receiver may know a repetition by it. */
  readonly id: string
  /** Who sends it, such as `postback`. */
  readonly kind: string
  /** Not before this instant. */
  readonly dueAt: EpochMs
  readonly data: string
}

export interface Delivery extends NewDelivery {
  readonly appId: string
  /** Times it was claimed since it was new or revived. Counted before it is sent: a crash cannot add tries. */
  readonly attempt: number
  /** When it was given up; `null` while it is still to be sent. */
  readonly failedAt: EpochMs | null
  /** What came of the last try, for people to read; `null` if nobody said. */
  readonly note: string | null
}

export interface DeliveryClaim {
  readonly kinds: readonly string[]
  readonly now: EpochMs
  readonly limit: number
  /** Until then nobody else gets it. Whoever dies with it leaves it to the next after that. Milliseconds. */
  readonly leaseMs: number
}

/**
 * What becomes of a claimed delivery: it is done, is due again, is given back without having been tried, so that the claim
 * does not count, or is kept as failed.
 */
export type Settlement =
  | { readonly type: 'done' }
  | { readonly type: 'again'; readonly dueAt: EpochMs; readonly note: string }
  | { readonly type: 'release'; readonly dueAt: EpochMs }
  | { readonly type: 'failed'; readonly at: EpochMs; readonly note: string }

export interface DeliveryQuery {
  readonly appId: string
  readonly kind: string
  readonly status: 'waiting' | 'failed'
}

/** The part of a `Store` that sends things out. */
export interface Deliveries {
  /** What is due, earliest first, each counted as one attempt and leased. Durable when it resolves. */
  claimDeliveries(claim: DeliveryClaim): Promise<readonly Delivery[]>
  /**
   * Says what came of attempt number `attempt`.
   * @returns false if the lease was lost to somebody else, or the delivery is gone; then nothing changes
   */
  settleDelivery(id: string, attempt: number, settlement: Settlement): Promise<boolean>
  /** In the order in which they are due, or failed. */
  deliveries(query: DeliveryQuery): AsyncIterable<Delivery>
  /** Makes a failed one new again. @returns false if there is no failed one with this id in the app */
  reviveDelivery(appId: string, id: string, dueAt: EpochMs): Promise<boolean>
}

/** How long failed deliveries are kept. Days. */
export const FAILED_DELIVERY_DAYS = 30
