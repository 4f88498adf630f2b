import type { EpochMs } from '../clock.ts'
import { encodeAction, type DropReason, type QueuedAction } from './action.ts'
import { phaseOf, type Circuit, type CircuitPhase } from './circuit.ts'
import { createDigest, troubleOf } from './digest.ts'
import { createLedger, type FlushReport, type Hooks } from './ledger.ts'
import type { Settings } from './options.ts'
import { createQueue, type Batch } from './queue.ts'
import { createTransport } from './transport.ts'

export interface Stats {
  readonly accepted: number
  readonly sent: number
  /** Of those sent: skipped or ignored by the server, as its warning said. */
  readonly skipped: number
  readonly pending: number
  readonly inFlight: number
  readonly requests: number
  /** Actions that were put back to be sent again, each time they were. */
  readonly retried: number
  readonly dropped: Readonly<Partial<Record<DropReason, number>>>
  readonly circuit: CircuitPhase
}

/** From accepted to delivered. */
export interface Pipeline {
  /** Gives the action its place. `drain` sends without waiting for company. */
  push(action: QueuedAction, drain: boolean): void
  /** Whether there is room, or can be made by dropping the oldest. What is in flight stays. */
  hasRoom(bytes: number, mayDrop: boolean): boolean
  drop(action: QueuedAction, reason: DropReason, detail?: string): Promise<void>
  flush(timeoutMs: number): Promise<FlushReport>
  /** Drops what waits for a profile. Resolves when nothing of it is under way; what was is not sent again. */
  forget(key: string): Promise<void>
  /** Gives up what is under way and takes out what is pending. Nothing is sent after it. */
  shutDown(): Promise<readonly QueuedAction[]>
  reqIdOf(action: QueuedAction): string
  stats(): Stats
}

export function createPipeline(settings: Settings, hooks: Hooks): Pipeline {
  const { appId, clientKey, devMode, clock, timers, tell, telemetry, concurrency, flushAt, flushBytes } = settings
  const queue = createQueue()
  const circuit: Circuit = { failures: 0, pausedUntil: 0 }
  const transport = createTransport(settings)
  const ledger = createLedger(settings, queue, hooks, reqIdOf)
  const digest = createDigest(settings, queue, circuit, ledger, reqIdOf)
  const { counts, drop } = ledger

  /** Made at the first action: some edge runtimes refuse random numbers while a module loads. */
  let uuid: string | undefined
  let lastSeq = 0
  const flights = new Map<Batch, Promise<void>>()
  /** Whether everything waiting is due, and not only what makes a full batch. */
  let isDraining = false
  let dueAt: EpochMs = Infinity
  let isScheduled = false
  let isShut = false
  let cancelAlarm = () => {}
  telemetry?.observe(() => queue.count)

  function reqIdOf(action: QueuedAction): string {
    return action.reqId ?? `${(uuid ??= newUuid())}-${action.seq.toString(36)}`
  }

  function push(action: QueuedAction, drain: boolean): void {
    lastSeq = action.seq
    counts.accepted += 1
    if (!queue.count) hooks.onBusy(true)
    queue.put(action)
    isDraining ||= drain
    if (isWorthARequest()) {
      // After the present turn: a loop that tracks a thousand events is answered before any of them becomes JSON.
      if (!isScheduled) queueMicrotask(pump)
      isScheduled = true
    } else if (dueAt === Infinity) {
      dueAt = clock.now() + settings.flushIntervalMs
      arm(0)
    }
  }

  function isWorthARequest(): boolean {
    return isDraining || queue.waiting >= flushAt || queue.bytes >= flushBytes
  }

  function pump(): void {
    isScheduled = false
    if (isShut) return ledger.release(Infinity, 0)
    const now = clock.now()
    const wakeAt = queue.wake(now)
    if (now >= dueAt || ledger.deadline() < Infinity) {
      isDraining = true
      // Said once: were it left in the past, the alarm would ring for ever while a busy lane cannot answer it.
      dueAt = Infinity
    }
    /** How many requests may be under way. */
    const most = { closed: concurrency, probing: 1, open: 0 }[phaseOf(circuit, now)]
    while (flights.size < most && isWorthARequest()) {
      const batch = queue.take(4 * flushBytes)
      if (!batch.length) break
      const landed = () => {
        flights.delete(batch)
        pump()
      }
      flights.set(batch, send(batch).finally(landed))
    }
    if (!queue.waiting) {
      isDraining = false
      dueAt = Infinity
    }
    const isIdle = !flights.size && queue.count
    ledger.release(now, isIdle ? Math.max(circuit.pausedUntil, wakeAt) : 0)
    arm(wakeAt)
  }

  /** One alarm for all there is to wait for. */
  function arm(wakeAt: EpochMs): void {
    const now = clock.now()
    const { pausedUntil } = circuit
    let at = ledger.deadline()
    const keepAlive = at < Infinity
    // While every request is under way, the next answer is what wakes us.
    if (queue.waiting && flights.size < concurrency) {
      at = Math.min(at, pausedUntil > now ? pausedUntil : Math.min(dueAt, wakeAt || Infinity))
    }
    cancelAlarm()
    if (at < Infinity) cancelAlarm = timers.after(Math.max(at - now, 0), pump, keepAlive)
  }

  /** Never rejects: whatever happens to a request is a verdict. */
  async function send(batch: Batch): Promise<void> {
    // Here an action becomes JSON, again for each try: the text is not kept.
    const actions: QueuedAction[] = []
    const parts: string[] = []
    for (const action of batch.flatMap((chunk) => chunk.actions)) {
      try {
        parts.push(encodeAction(action, reqIdOf(action)))
        actions.push(action)
      } catch (error) {
        void drop(action, 'unserializable', String(error))
      }
    }
    const { length } = actions
    if (!length) return batch.forEach(({ lane }) => queue.land(lane, [], 0))
    const { failures } = circuit
    const time = clock.now() / 1000
    // JSON leaves out what is `undefined`.
    const outer = { action: 'multi', exactTime: true, appId, clientKey, devMode: devMode || undefined, time }
    counts.requests += 1
    const finish = telemetry?.request(length)
    tell('debug', 'request', { actions: length, users: batch.length })
    const verdict = await transport.post(`${JSON.stringify(outer).slice(0, -1)},"data":[${parts.join(',')}]}`)
    const { sent, retried } = counts
    // What goes again has waited long enough for company.
    if (digest({ batch, actions, failures }, verdict, clock.now())) isDraining = true
    finish?.({ ...verdict, delivered: counts.sent - sent, retried: counts.retried - retried })
  }

  return {
    push,
    hasRoom(bytes, mayDrop) {
      while (queue.count && (queue.count >= settings.maxQueue || queue.bytes + bytes > settings.maxQueueBytes)) {
        const oldest = mayDrop && queue.evict()
        if (!oldest) return false
        void drop(oldest, 'queueFull')
      }
      return true
    },
    drop,
    flush(timeoutMs) {
      const report = ledger.await(lastSeq, clock.now() + timeoutMs)
      pump()
      return report
    },
    async forget(key) {
      for (const action of queue.takeOut(key)) void drop(action, 'deleted')
      for (const { lane, actions } of [...flights.keys()].flat()) {
        for (const action of actions) {
          if (action.subject.lane === key || lane.keys.includes(key)) troubleOf(action).isDeleted = true
        }
      }
      await Promise.all(flights.values())
    },
    async shutDown() {
      isShut = true
      transport.abort()
      await Promise.all(flights.values())
      cancelAlarm()
      pump()
      return queue.takeOut()
    },
    reqIdOf,
    stats: () => ({
      ...counts,
      pending: queue.count,
      inFlight: queue.count - queue.waiting,
      dropped: { ...ledger.dropped },
      circuit: phaseOf(circuit, clock.now()),
    }),
  }
}

/** Sixty-four random bits, once per client; with a counter behind it, as unique as a UUID per action and far cheaper. */
function newUuid(): string {
  return crypto.getRandomValues(new BigUint64Array(1))[0]!.toString(36)
}
