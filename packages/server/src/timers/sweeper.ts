import { type Clock, MINUTE_MS, SECOND_MS } from '@damson/core'
import type { Logger } from '../logger.ts'
import type { ProfileRef, Store } from '../store/store.ts'

/** How many overdue profiles are asked for at a time; they are settled together, so that they share commits. */
const SWEEP_BATCH = 500

export interface SweeperOptions {
  readonly store: Pick<Store, 'overdue' | 'forget'>
  /** Ends what is over at `now` and commits it. */
  settle(ref: ProfileRef, now: number): Promise<void>
  readonly clock: Clock
  readonly logger: Logger
  /** Nothing observable depends on it: sessions past their deadline have ended for whoever looks next. */
  readonly everyMs?: number
  readonly forgetEveryMs?: number
}

export interface Sweeper {
  start(): void
  /** No more runs; resolves when the one in flight has ended. */
  stop(): Promise<void>
  /** Runs once, after the run in flight if there is one. Resolves with how many profiles it settled. */
  sweep(): Promise<number>
}

/** Ends sessions that nobody touches any more, so that exports and counters do not wait for their user to come back. */
export function createSweeper(options: SweeperOptions): Sweeper {
  const { everyMs = 5 * SECOND_MS, forgetEveryMs = 10 * MINUTE_MS, logger } = options
  let timer: NodeJS.Timeout | undefined
  let pending = 0
  let last: Promise<number> = Promise.resolve(0)

  function sweep(): Promise<number> {
    pending += 1
    const next = last.then(() => run(options)).finally(() => (pending -= 1))
    // The chain must not break for the runs after a failed one; whoever asked for this run hears of it.
    last = next.catch(() => 0)
    return next
  }

  function start(): void {
    let forgetAt = options.clock.now()
    timer = setInterval(() => {
      if (pending > 0) return
      const now = options.clock.now()
      const isForgetting = now >= forgetAt
      if (isForgetting) forgetAt = now + forgetEveryMs
      sweep()
        .then(() => (isForgetting ? options.store.forget(now) : undefined))
        .catch((error: unknown) => logger.error({ err: error }, 'a sweep failed; the next one tries again'))
    }, everyMs)
    timer.unref()
  }

  async function stop(): Promise<void> {
    clearInterval(timer)
    await last
  }

  return { start, stop, sweep }
}

async function run({ store, settle, clock, logger }: SweeperOptions): Promise<number> {
  const now = clock.now()
  const tried = new Set<string>()
  let settled = 0
  for (;;) {
    const refs = await store.overdue(now, SWEEP_BATCH)
    // What could not be settled is overdue still: it is left for the next run.
    const fresh = refs.filter((ref) => !tried.has(keyOf(ref)))
    if (fresh.length === 0) return settled
    const results = await Promise.allSettled(fresh.map((ref) => settle(ref, now)))
    for (const [index, result] of results.entries()) {
      tried.add(keyOf(fresh[index] as ProfileRef))
      if (result.status === 'fulfilled') settled += 1
      else logger.error({ err: result.reason }, 'a profile could not be settled')
    }
  }
}

function keyOf({ appId, userId, deviceId }: ProfileRef): string {
  return JSON.stringify([appId, userId, deviceId])
}
