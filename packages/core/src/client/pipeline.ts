import type { EpochMs } from '../clock.ts'
import { encodeAction, reqIdOf, type DropReason, type QueuedAction } from './action.ts'
import { phaseOf, type CircuitPhase } from './circuit.ts'
import type { Batch, Core, FlushReport } from './core.ts'
import { digest, troubleOf } from './digest.ts'
import { drop, firstDeadline, release } from './ledger.ts'
import { evict, isTheirs, land, nextBatch, put, takeOut, wake } from './queue.ts'
import { post } from './transport.ts'

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

/** Gives the action its place. `drain` sends without waiting for company. */
export function push(core: Core, action: QueuedAction, drain?: boolean): void {
  core.counts.accepted += 1
  if (!core.count) core.onBusy(true)
  put(core, action)
  if (drain) core.dueAt = 0
  if (isWorthARequest(core)) {
    // After the present turn: a loop that tracks a thousand events is answered before any of them becomes JSON.
    if (!core.isScheduled) queueMicrotask(() => pump(core))
    core.isScheduled = true
  } else if (core.dueAt === Infinity) {
    core.dueAt = core.clock.now() + core.flushIntervalMs
    arm(core, 0)
  }
}

/** Whether there is room, or can be made by dropping the oldest. What is in flight stays. */
export function hasRoom(core: Core, bytes: number, mayDrop: boolean): boolean {
  while (core.count && (core.count >= core.maxQueue || core.bytes + bytes > core.maxQueueBytes)) {
    const oldest = mayDrop && evict(core)
    if (!oldest) return false
    void drop(core, oldest, 'queueFull')
  }
  return true
}

function isWorthARequest(core: Core): boolean {
  return core.waiting >= core.flushAt || core.bytes >= core.flushBytes || core.clock.now() >= core.dueAt
}

/** Sends what may be sent, and sees to it that it is called again. */
function pump(core: Core): void {
  core.isScheduled = false
  if (core.isShut) return release(core, Infinity, 0)
  const { flights } = core
  const now = core.clock.now()
  const wakeAt = wake(core, now)
  if (firstDeadline(core) < Infinity) core.dueAt = 0
  /** How many requests may be under way. */
  const most = { closed: core.concurrency, probing: 1, open: 0 }[phaseOf(core, now)]
  while (flights.length < most && isWorthARequest(core)) {
    const batch = nextBatch(core)
    if (!batch.length) break
    const abort = new AbortController()
    const done = send(core, batch, abort).finally(() => {
      flights.splice(flights.indexOf(flight), 1)
      pump(core)
    })
    const flight = { batch, abort, done }
    flights.push(flight)
  }
  if (!core.waiting) core.dueAt = Infinity
  release(core, now, core.count && !flights.length ? Math.max(core.pausedUntil, wakeAt) : 0)
  arm(core, wakeAt)
}

/** One alarm for all there is to wait for. */
function arm(core: Core, wakeAt: EpochMs): void {
  const { pausedUntil, timers } = core
  const now = core.clock.now()
  const deadline = firstDeadline(core)
  // While every request is under way, the next answer is what wakes us.
  const canSend = core.waiting && core.flights.length < core.concurrency
  const next = canSend ? (pausedUntil > now ? [pausedUntil] : [core.dueAt, wakeAt]) : []
  // What is overdue waits for an answer: an alarm would ring for ever while a busy lane cannot go.
  const at = Math.min(deadline, ...next.filter((then) => then > now))
  core.cancelAlarm()
  if (at < Infinity) core.cancelAlarm = timers.after(at - now, () => pump(core), deadline < Infinity)
}

/** Never rejects: whatever happens to a request is a verdict. */
async function send(core: Core, batch: Batch, abort: AbortController): Promise<void> {
  const { appId, clientKey, devMode, clock, counts, failures } = core
  // Here an action becomes JSON, again for each try: the text is not kept.
  const parts: string[] = []
  for (const chunk of batch) {
    chunk.actions = chunk.actions.filter((action) => {
      try {
        return parts.push(encodeAction(action, reqIdOf(core, action)))
      } catch (error) {
        void drop(core, action, 'unserializable', String(error))
        return false
      }
    })
  }
  const { length } = parts
  if (!length) return batch.forEach(({ lane }) => land(core, lane, [], 0))
  const time = clock.now() / 1000
  // JSON leaves out what is `undefined`.
  const outer = { action: 'multi', exactTime: true, appId, clientKey, devMode, time }
  counts.requests += 1
  // See `Core.flights`: lanes come and go, and what they were kept in is left behind with them, now and then.
  if (counts.requests % 100 === 0) {
    core.lanes = new Map(core.lanes)
    core.ready = new Set(core.ready)
  }
  const finish = core.telemetry?.request(length)
  core.tell('debug', 'request', { actions: length, users: batch.length })
  const verdict = await post(core, `${JSON.stringify(outer).slice(0, -1)},"data":[${parts.join(',')}]}`, abort)
  const { sent, retried } = counts
  digest(core, batch, length, failures, verdict)
  finish?.({ ...verdict, delivered: counts.sent - sent, retried: counts.retried - retried })
}

function landed({ flights }: Core): Promise<unknown> {
  return Promise.all(flights.map(({ done }) => done))
}

/** Waits until what is pending has met its fate, and sees to it. */
export function flushQueue(core: Core, timeoutMs: number): Promise<FlushReport> {
  return new Promise((resolve) => {
    const report = { sent: 0, dropped: 0, pending: core.count }
    if (core.count) core.waiters.add({ upTo: core.seq, deadline: core.clock.now() + timeoutMs, resolve, report })
    else resolve(report)
    pump(core)
  })
}

/** Drops what waits for a profile. Resolves when nothing of it is under way; what was is not sent again. */
export async function forgetLane(core: Core, key: string): Promise<void> {
  for (const action of takeOut(core, key)) void drop(core, action, 'deleted')
  for (const { lane, actions } of core.flights.flatMap(({ batch }) => batch)) {
    for (const action of actions) if (isTheirs(key, action, lane)) troubleOf(action).isDeleted = true
  }
  await landed(core)
}

/** Gives up what is under way and takes out what is pending. Nothing is sent after it. */
export async function shutDown(core: Core): Promise<readonly QueuedAction[]> {
  core.isShut = true
  for (const { abort } of core.flights) abort.abort('closed')
  await landed(core)
  core.cancelAlarm()
  pump(core)
  return takeOut(core)
}

export function statsOf(core: Core): Stats & { readonly waitingForConsent: number } {
  return {
    ...core.counts,
    pending: core.count,
    inFlight: core.count - core.waiting,
    dropped: { ...core.dropped },
    circuit: phaseOf(core, core.clock.now()),
    waitingForConsent: core.held.size,
  }
}
