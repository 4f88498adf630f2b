import type { EpochMs } from '../clock.ts'
import { MAX_BATCH_ACTIONS, MAX_BATCH_USERS } from '../protocol/limits.ts'
import { encodeAction, type DropReason, type QueuedAction } from './action.ts'
import { phaseOf, type Circuit, type CircuitPhase } from './circuit.ts'
import { createDigest, troubleOf, type Flight } from './digest.ts'
import { createFlushes, type FlushReport } from './flushes.ts'
import { createLedger, type Hooks } from './ledger.ts'
import type { Settings } from './options.ts'
import { createQueue, type Batch, type Lane } from './queue.ts'
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
  hasRoom(bytes: number): boolean
  /** Makes room by dropping the oldest. `false`: everything is in flight. */
  makeRoom(bytes: number): boolean
  /** Calls back at the next moment something left the queue. */
  onceLeft(run: () => void): void
  drop(action: QueuedAction, reason: DropReason, detail?: string): void
  flush(timeoutMs: number): Promise<FlushReport>
  /** Drops what waits for a profile. Resolves when nothing of it is under way; what was is not sent again. */
  forget(key: string): Promise<void>
  /** Gives up what is under way and takes out what is pending. Nothing is sent after it. */
  shutDown(): Promise<readonly QueuedAction[]>
  reqIdOf(action: QueuedAction): string
  stats(): Stats
}

export function createPipeline(settings: Settings, hooks: Hooks): Pipeline {
  const { clock, timers, tell, telemetry } = settings
  const queue = createQueue()
  const circuit: Circuit = { failures: 0, pausedUntil: 0, round: 0 }
  const flushes = createFlushes(clock)
  const transport = createTransport(settings)
  const ledger = createLedger(settings, queue, flushes, hooks, reqIdOf)
  const digest = createDigest(settings, queue, circuit, ledger)
  const limits = { actions: MAX_BATCH_ACTIONS, users: MAX_BATCH_USERS, bytes: 4 * settings.flushBytes }
  const { appId, clientKey, devMode } = settings
  const frame = JSON.stringify({
    action: 'multi',
    exactTime: true,
    appId,
    clientKey,
    ...(devMode && { devMode }),
  }).slice(0, -1)

  /** Made at the first action: some edge runtimes refuse random numbers while a module loads. */
  let uuid: string | null = null
  let lastSeq = 0
  const flights = new Map<Batch, Promise<void>>()
  /** Whether everything waiting is due, and not only what makes a full batch. */
  let isDraining = false
  let dueAt: EpochMs = Infinity
  let isScheduled = false
  let isShut = false
  let alarm: { at: EpochMs; keepAlive: boolean; cancel: () => void } | null = null
  telemetry?.observe(() => queue.count)

  function reqIdOf(action: QueuedAction): string {
    return action.reqId ?? `${(uuid ??= newUuid())}-${action.seq.toString(36)}`
  }

  function push(action: QueuedAction, drain: boolean): void {
    lastSeq = action.seq
    ledger.counts.accepted += 1
    if (queue.count === 0) hooks.onBusy(true)
    queue.put(action)
    if (drain) isDraining = true
    if (isWorthARequest()) schedule()
    else if (dueAt === Infinity) {
      dueAt = clock.now() + settings.flushIntervalMs
      arm(null)
    }
  }

  function isWorthARequest(): boolean {
    return isDraining || queue.waiting >= settings.flushAt || queue.bytes >= settings.flushBytes
  }

  /** How many requests may be under way. */
  function roomFor(phase: CircuitPhase): number {
    return phase === 'closed' ? settings.concurrency : phase === 'open' ? 0 : 1
  }

  /** After the present turn: a loop that tracks a thousand events is answered before any of them becomes JSON. */
  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    queueMicrotask(pump)
  }

  function pump(): void {
    isScheduled = false
    if (isShut) return
    const now = clock.now()
    const wakeAt = queue.wake(now)
    if (now >= dueAt || flushes.isWaiting()) {
      isDraining = true
      // Said once: were it left in the past, the alarm would ring for ever while a busy lane cannot answer it.
      dueAt = Infinity
    }
    while (flights.size < roomFor(phaseOf(circuit, now)) && isWorthARequest()) {
      const batch = queue.take(limits)
      if (batch === null) break
      const landed = () => {
        flights.delete(batch)
        pump()
      }
      flights.set(batch, send(batch).finally(landed))
    }
    if (queue.waiting === 0) {
      isDraining = false
      dueAt = Infinity
    }
    const isIdle = flights.size === 0 && queue.count > 0
    flushes.release(now, isIdle ? Math.max(circuit.pausedUntil, wakeAt ?? now) : null)
    arm(wakeAt)
  }

  /** One alarm for all there is to wait for. */
  function arm(wakeAt: EpochMs | null): void {
    let at = flushes.deadline()
    // While every request is under way, the next answer is what wakes us.
    if (queue.waiting > 0 && flights.size < settings.concurrency) {
      at = Math.min(at, Math.max(Math.min(dueAt, wakeAt ?? Infinity), circuit.pausedUntil))
      if (circuit.pausedUntil > clock.now()) at = Math.min(at, circuit.pausedUntil)
    }
    const keepAlive = flushes.isWaiting()
    if (alarm?.at === at && alarm.keepAlive === keepAlive) return
    alarm?.cancel()
    alarm = null
    if (at === Infinity) return
    const ring = () => {
      alarm = null
      pump()
    }
    alarm = { at, keepAlive, cancel: timers.after(Math.max(at - clock.now(), 0), ring, keepAlive) }
  }

  /** Never rejects: whatever happens to a request is a verdict. */
  async function send(batch: Batch): Promise<void> {
    const { flight, body } = encode(batch)
    const actions = flight.actions.length
    if (actions === 0) {
      for (const { lane } of batch.chunks) queue.land(lane, [], null)
      return
    }
    const { counts } = ledger
    counts.requests += 1
    const finish = telemetry?.request(actions)
    tell('debug', 'request', { actions, users: batch.chunks.length })
    const verdict = await transport.post(body)
    const { sent, retried } = counts
    // What goes again has waited long enough for company.
    if (digest(flight, verdict, clock.now())) isDraining = true
    finish?.({ ...verdict, delivered: counts.sent - sent, retried: counts.retried - retried })
  }

  /** Here an action becomes JSON, again for each try: the text is not kept. */
  function encode(batch: Batch): { flight: Flight; body: string } {
    const actions: QueuedAction[] = []
    const ids: string[] = []
    const parts: string[] = []
    for (const chunk of batch.chunks) {
      for (const action of chunk.actions) {
        const id = reqIdOf(action)
        try {
          parts.push(encodeAction(action, id))
          actions.push(action)
          ids.push(id)
        } catch (error) {
          ledger.drop(action, 'unserializable', String(error))
        }
      }
    }
    const body = `${frame},"time":${clock.now() / 1000},"data":[${parts.join(',')}]}`
    return { flight: { batch, actions, ids, round: circuit.round }, body }
  }

  const hasRoom = (bytes: number) =>
    queue.count < settings.maxQueue && (queue.bytes + bytes <= settings.maxQueueBytes || queue.count === 0)

  return {
    push,
    hasRoom,
    makeRoom(bytes) {
      while (!hasRoom(bytes)) {
        const oldest = queue.evict()
        if (oldest === null) return false
        ledger.drop(oldest, 'queueFull')
      }
      return true
    },
    onceLeft: ledger.onceLeft,
    drop: ledger.drop,
    flush(timeoutMs) {
      if (isShut) return Promise.resolve({ sent: 0, dropped: 0, pending: queue.count })
      const report = flushes.add(lastSeq, queue.count, timeoutMs)
      pump()
      return report
    },
    async forget(key) {
      const isTheirs = (action: QueuedAction, lane: Lane) => action.subject.lane === key || lane.keys.includes(key)
      for (const action of queue.takeOut(isTheirs)) ledger.drop(action, 'deleted')
      for (const { chunks } of flights.keys()) {
        for (const { lane, actions } of chunks) {
          for (const action of actions) if (isTheirs(action, lane)) troubleOf(action).isDeleted = true
        }
      }
      await Promise.all(flights.values())
    },
    async shutDown() {
      isShut = true
      transport.abort()
      await Promise.all(flights.values())
      alarm?.cancel()
      alarm = null
      flushes.release(Infinity, null)
      return queue.takeOut(() => true)
    },
    reqIdOf,
    stats: () => ({
      ...ledger.counts,
      pending: queue.count,
      inFlight: queue.count - queue.waiting,
      dropped: { ...ledger.dropped },
      circuit: phaseOf(circuit, clock.now()),
    }),
  }
}

/** Sixty-four random bits, once per client; with a counter behind it, as unique as a UUID per action and far cheaper. */
function newUuid(): string {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2))
  return high.toString(36) + low.toString(36).padStart(7, '0')
}
