import { type Clock, type EpochMs, MINUTE_MS, SECOND_MS } from '@damson/core'
import type { Logger } from '../logger.ts'
import { EGRESS_TIMEOUT_MS } from '../services/egress.ts'
import type { Deliveries, Delivery, Settlement } from '../store/deliveries.ts'
import type { Attempted } from './attempt.ts'
import { createLanes } from './lanes.ts'

/** How many deliveries are claimed at a time, and how many this process has in hand at most. */
const CLAIM_MAX = 100
const HELD_MAX = 512
/** Long enough to wait in a lane and to be tried; whoever dies with a delivery leaves it to others after that. */
export const LEASE_MS = 3 * MINUTE_MS
/** What a stop leaves to calls that are under way. */
const STOP_GRACE_MS = 5 * SECOND_MS

/** A way that a delivery may take now. */
export interface Trip {
  /** Destinations that share nothing but this name are kept apart. */
  readonly lane: string
  /** Calls to it at a time, if fewer than usual. */
  readonly width?: number
  /**
   * Makes one try. Does not throw for anything the world did.
   * @param alone resolves when no other try of the lane is between this point and what came of it being recorded
   */
  go(at: EpochMs, signal: AbortSignal, alone: () => Promise<void>): Promise<Attempted>
}

/** Knows what the deliveries of its kinds are and where they go. */
export interface Carrier {
  readonly kinds: readonly string[]
  /** What becomes of a delivery that needs no try, or the way it takes. */
  prepare(delivery: Delivery): Promise<Settlement | Trip>
}

export interface DispatcherOptions {
  readonly store: Pick<Deliveries, 'claimDeliveries' | 'settleDelivery'>
  readonly carrier: Carrier
  readonly clock: Clock
  readonly logger: Logger
  /** How often it looks by itself; what this process commits is sent at once. */
  readonly everyMs?: number
}

export interface Dispatcher {
  start(): void
  /** Claims no more; gives calls under way a few seconds, and back what is left. */
  stop(): Promise<void>
  /** There may be something to send: looks at once, if it was started. */
  wake(): void
  /** Sends what is due now. Resolves with how many tries were made, when what came of them is durable. */
  dispatch(): Promise<number>
}

/**
 * Sends what turns have committed. A try is counted when it is claimed, so that no crash
 * can add one; a lease that ran out gives it to the next process. Several processes may do this on one store.
 */
export function createDispatcher(options: DispatcherOptions): Dispatcher {
  const { store, carrier, clock, logger, everyMs = SECOND_MS } = options
  const lanes = createLanes(clock)
  const held = new Set<Promise<void>>()
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let last: Promise<void> = Promise.resolve()
  let pending = 0
  let isStopped = false
  let tries = 0

  /** Takes all that is due into hand; does not wait for what comes of it. */
  async function take(): Promise<void> {
    while (!isStopped) {
      while (held.size >= HELD_MAX) await Promise.race(held)
      const limit = Math.min(CLAIM_MAX, HELD_MAX - held.size)
      const claimed = await store.claimDeliveries({ kinds: carrier.kinds, now: clock.now(), limit, leaseMs: LEASE_MS })
      for (const delivery of claimed) hold(delivery)
      if (claimed.length < limit) return
    }
  }

  function hold(delivery: Delivery): void {
    const done = carryOut(delivery)
      .catch((error: unknown) => logger.error({ err: error, id: delivery.id }, 'a delivery waits for its lease to end'))
      .finally(() => held.delete(done))
    held.add(done)
  }

  async function carryOut(delivery: Delivery): Promise<void> {
    const prepared = await carrier.prepare(delivery)
    if ('type' in prepared) return settle(delivery, prepared)
    const admission = await lanes.enter(prepared.lane, prepared.width)
    if ('laterAt' in admission) return settle(delivery, { type: 'release', dueAt: admission.laterAt })
    const at = clock.now()
    if (isStopped || at > delivery.dueAt - EGRESS_TIMEOUT_MS) {
      admission.leave(true)
      return settle(delivery, { type: 'release', dueAt: at })
    }
    tries += 1
    let isUp = true
    try {
      const tried = await prepared.go(at, stopping.signal, admission.alone)
      isUp = tried.isUp
      // Until this is durable its place is taken: after a crash, no more than a lane is wide are told twice.
      await tried.record?.()
      // What is recorded is not sent again, settled or not.
      if (tried.record !== undefined) admission.pass()
      await settle(delivery, tried.settlement)
    } finally {
      admission.leave(isUp)
    }
  }

  async function settle({ id, appId, kind, attempt: number }: Delivery, settlement: Settlement): Promise<void> {
    if (settlement.type === 'failed') logger.warn({ appId, kind, id, note: settlement.note }, 'a delivery has failed')
    const isOurs = await store.settleDelivery(id, number, settlement)
    if (!isOurs) logger.warn({ appId, kind, id }, 'a delivery took longer than its lease')
  }

  function look(): Promise<void> {
    pending += 1
    const next = last.then(take).finally(() => (pending -= 1))
    last = next.catch(() => {})
    return next
  }

  function wake(): void {
    // One look that has not begun yet will see it.
    if (timer === undefined || pending > 1) return
    look().catch((error: unknown) => logger.error({ err: error }, 'deliveries could not be claimed; tried again'))
  }

  async function dispatch(): Promise<number> {
    const before = tries
    await look()
    await Promise.all(held)
    return tries - before
  }

  async function stop(): Promise<void> {
    isStopped = true
    clearInterval(timer)
    timer = undefined
    const cutOff = setTimeout(() => stopping.abort(), STOP_GRACE_MS)
    await last
    await Promise.all(held)
    clearTimeout(cutOff)
  }

  return {
    start: () => void (timer = setInterval(() => pending === 0 && wake(), everyMs).unref()),
    stop,
    wake,
    dispatch,
  }
}
