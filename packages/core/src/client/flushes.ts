import type { EpochMs } from '../clock.ts'

/** What a flush came to, of everything that was pending when it was asked for. */
export interface FlushReport {
  readonly sent: number
  readonly dropped: number
  /** Neither: waiting for a retry, or for consent. */
  readonly pending: number
}

/** The flushes somebody awaits. They may overlap: each counts for itself. */
export interface Flushes {
  /** @param upTo the last action it covers, of which so many are pending. */
  add(upTo: number, pending: number, deadline: EpochMs): Promise<FlushReport>
  settled(seq: number, isDelivered: boolean): void
  /**
   * Resolves what is out of time, and what could not go on before its time is up: nothing leaves before `nextAt`.
   */
  release(now: EpochMs, nextAt: EpochMs): void
  /** When the first of them is out of time; `Infinity` when nobody waits. */
  deadline(): EpochMs
}

export function createFlushes(): Flushes {
  interface Waiter {
    readonly upTo: number
    readonly deadline: EpochMs
    readonly resolve: (report: FlushReport) => void
    readonly report: { -readonly [Part in keyof FlushReport]: number }
  }
  const waiters = new Set<Waiter>()

  function finish(waiter: Waiter): void {
    waiters.delete(waiter)
    waiter.resolve(waiter.report)
  }

  return {
    add: (upTo, pending, deadline) =>
      new Promise((resolve) => {
        const report = { sent: 0, dropped: 0, pending }
        if (pending) waiters.add({ upTo, deadline, resolve, report })
        else resolve(report)
      }),
    settled(seq, isDelivered) {
      for (const waiter of waiters) {
        if (seq > waiter.upTo) continue
        waiter.report[isDelivered ? 'sent' : 'dropped'] += 1
        if (!(waiter.report.pending -= 1)) finish(waiter)
      }
    },
    release(now, nextAt) {
      for (const waiter of waiters) if (now >= waiter.deadline || nextAt > waiter.deadline) finish(waiter)
    },
    deadline: () => Math.min(...[...waiters].map(({ deadline }) => deadline)),
  }
}
