import type { Clock, EpochMs } from '../clock.ts'

/** What a flush came to, of everything that was pending when it was asked for. */
export interface FlushReport {
  readonly sent: number
  readonly dropped: number
  /** Neither: waiting for a retry, or for consent. */
  readonly pending: number
}

/** The flushes somebody awaits. They may overlap: each counts for itself. */
export interface Flushes {
  /** @param upTo the last action it covers, of which `remaining` are pending. */
  add(upTo: number, remaining: number, timeoutMs: number): Promise<FlushReport>
  settled(seq: number, delivered: boolean): void
  /**
   * Resolves what is done, what is out of time, and what could not go on before its time is up: nothing is in flight and
   * the next request leaves at `nextAt`.
   */
  release(now: EpochMs, nextAt: EpochMs | null): void
  isWaiting(): boolean
  deadline(): EpochMs
}

export function createFlushes(clock: Clock): Flushes {
  interface Waiter {
    readonly upTo: number
    readonly deadline: EpochMs
    readonly resolve: (report: FlushReport) => void
    remaining: number
    sent: number
    dropped: number
  }
  const waiters = new Set<Waiter>()

  function finish(waiter: Waiter): void {
    waiters.delete(waiter)
    waiter.resolve({ sent: waiter.sent, dropped: waiter.dropped, pending: waiter.remaining })
  }

  return {
    add(upTo, remaining, timeoutMs) {
      if (remaining === 0) return Promise.resolve({ sent: 0, dropped: 0, pending: 0 })
      return new Promise((resolve) => {
        waiters.add({ upTo, remaining, deadline: clock.now() + timeoutMs, resolve, sent: 0, dropped: 0 })
      })
    },
    settled(seq, delivered) {
      for (const waiter of waiters) {
        if (seq > waiter.upTo) continue
        waiter.remaining -= 1
        if (delivered) waiter.sent += 1
        else waiter.dropped += 1
        if (waiter.remaining === 0) finish(waiter)
      }
    },
    release(now, nextAt) {
      for (const waiter of waiters) {
        if (now >= waiter.deadline || (nextAt !== null && nextAt > waiter.deadline)) finish(waiter)
      }
    },
    isWaiting: () => waiters.size > 0,
    deadline() {
      let first = Infinity
      for (const waiter of waiters) first = Math.min(first, waiter.deadline)
      return first
    },
  }
}
