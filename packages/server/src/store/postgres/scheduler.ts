import { DamsonError } from '@damson/core'
import { ProfileBusyError, StoreBusyError, StoreSlowError, StoreUnavailableError } from '../errors.ts'
import { keyOf } from '../shelves.ts'
import type { Loaded, ProfileRef, Turn } from '../store.ts'
import { type Chain, createChains } from './chains.ts'
import type { DeviceOwners } from './device-owners.ts'
import { failureOf } from './failures.ts'
import { bucketOf } from './keys.ts'
import { createQueue } from './queue.ts'
import { CommitUnknownError } from './session.ts'
import { idsOf, subjectIdOf, type Task } from './task.ts'
import { type End, StaleReadError } from './turns.ts'

const TURNS_MAX = 500
/** So many turns are not parted for the sake of having two groups. */
const TURNS_TOGETHER = 16
/** A group that failed before its commit was asked for is played again, this often. */
const TRIES_MAX = 6
const RETRY_MS = 15
/** A group that takes longer waits for somebody: the others go on without it. */
const PATIENCE_MS = 25

export interface SchedulerOptions {
  readonly lockWaitMs: number
  readonly maxPendingTurns: number
  /** When a turn has waited for so long, new ones are refused. Milliseconds. */
  readonly shedAfterMs: number
  /** How many transactions at a time, at most. */
  readonly groups: number
  /** A group is of one bucket. */
  readonly isNarrow: boolean
  readonly owners: DeviceOwners
  play(tasks: readonly Task[], isWide: boolean): Promise<readonly End[]>
}

interface UnderWay {
  /** Monotonic milliseconds. */
  readonly since: number
  /** In turns. */
  readonly size: number
}

export interface Scheduler {
  transact<T>(ref: ProfileRef, decide: (loaded: Loaded) => Turn<T>): Promise<T>
  /** For how long the oldest turn has waited. Milliseconds. */
  waitedMs(): number
  /** Resolves when nothing waits. */
  idle(): Promise<void>
}

/**
 * Which turns share a transaction. Whatever arrives while others are under way forms the next groups; turns of one profile
 * go in one group, in their order, or wait for the group before.
 */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const { lockWaitMs, maxPendingTurns, shedAfterMs, owners, isNarrow } = options
  const chains = createChains()
  const waiting = createQueue<Task>()
  /** Groups under way, the oldest first. */
  const underWay = new Set<UnderWay>()
  /** Turns in them. */
  let playing = 0
  let order = 0
  let isPumpPlanned = false
  let nextLook: NodeJS.Timeout | null = null
  let whenIdle: (() => void)[] = []

  function transact<T>(ref: ProfileRef, decide: (loaded: Loaded) => Turn<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      // A ref that names nobody is refused here.
      subjectIdOf(ref, null)
      if (waiting.size >= maxPendingTurns) throw new StoreBusyError(maxPendingTurns)
      const waited = waitedMs()
      if (waited > shedAfterMs) throw new StoreSlowError(waited)
      const since = performance.now()
      const task: Task = {
        ref,
        ids: idsOf(ref),
        decide,
        resolve: resolve as (answer: unknown) => void,
        reject,
        since,
        order: (order += 1),
        isWide: ref.otherUserId !== undefined,
        needsAllSeen: ref.otherUserId !== undefined,
        extraDevices: [],
        isAlone: false,
        isUnsure: false,
        misses: 0,
        tries: 0,
        chain: null,
        before: null,
        behind: null,
      }
      const busySince = chains.busySince(task)
      if (busySince !== null && since - busySince >= lockWaitMs) throw new ProfileBusyError(lockWaitMs)
      waiting.join(task)
      const owner = ref.deviceId ? owners.get(ref.appId, ref.deviceId) : undefined
      chains.add(task, owner === undefined ? null : keyOf(ref.appId, owner))
      planPump()
    })
  }

  function waitedMs(): number {
    const oldest = waiting.first
    return oldest === null ? 0 : performance.now() - oldest.since
  }

  /** After this turn of the loop: what arrived together is played together. */
  function planPump(): void {
    if (isPumpPlanned || underWay.size >= options.groups) return
    isPumpPlanned = true
    setImmediate(pump)
  }

  function pump(): void {
    isPumpPlanned = false
    while (underWay.size < options.groups) {
      const [first] = chains.ready()
      if (first === undefined) return
      if (!isWorthAGroup()) return lookAgain()
      const group = nextGroup()
      if (group === null) return
      const one = { since: performance.now(), size: group.parts.reduce((sum, { tasks }) => sum + tasks.length, 0) }
      underWay.add(one)
      playing += one.size
      const leave = () => {
        if (underWay.delete(one)) playing -= one.size
        planPump()
      }
      void playOne(group, leave).finally(leave)
    }
  }

  /**
   * A transaction has its price, however many turns share it. So one goes beside others only when as many turns wait as are
   * under way already; else they go when the next one ends. Of one bucket there are never many, and nothing to wait for.
   */
  function isWorthAGroup(): boolean {
    const [oldest] = underWay
    if (isNarrow || oldest === undefined || waiting.size - playing >= playing) return true
    return performance.now() - oldest.since >= PATIENCE_MS
  }

  /** Nobody else may come, and the groups under way may wait for a row for seconds. */
  function lookAgain(): void {
    nextLook ??= setTimeout(() => {
      nextLook = null
      planPump()
    }, PATIENCE_MS)
  }

  interface Group {
    readonly isWide: boolean
    readonly parts: readonly { readonly chain: Chain; readonly tasks: readonly Task[] }[]
  }

  function nextGroup(): Group | null {
    const parts: { chain: Chain; tasks: readonly Task[] }[] = []
    let kind: { readonly isWide: boolean; readonly bucket: number } | null = null
    let count = 0
    // Half of those that are not finished: while the database writes one half, the other is decided. What has to go one behind
    // the other is not parted: the rest of it could not be decided meanwhile.
    const most = Math.min(TURNS_MAX, Math.max(TURNS_TOGETHER, Math.ceil(waiting.size / 2)))
    for (const chain of chains.ready()) {
      const [first] = chain.tasks
      if (first === undefined) continue
      const own = kindOf(first)
      kind ??= own
      if (own.isWide !== kind.isWide || (isNarrow && own.bucket !== kind.bucket)) continue
      if (first.isAlone && parts.length > 0) continue
      const tasks = takeRun(chain, kind, TURNS_MAX - count)
      parts.push({ chain, tasks })
      count += tasks.length
      if (count >= most || first.isAlone || (isNarrow && kind.isWide)) break
    }
    for (const { chain } of parts) chains.start(chain)
    return kind === null ? null : { isWide: kind.isWide, parts }
  }

  /** The turns at the head of a chain that are of the same kind as the first. */
  function takeRun(chain: Chain, kind: { isWide: boolean; bucket: number }, most: number): readonly Task[] {
    let length = 0
    for (const task of chain.tasks) {
      if (length >= most) break
      const own = kindOf(task)
      // A wide transaction may play any turn, a narrow one only those about one row.
      if (!kind.isWide && (own.isWide || (isNarrow && own.bucket !== kind.bucket))) break
      task.chain = chain
      length += 1
    }
    return chain.tasks.splice(0, length)
  }

  function kindOf(task: Task): { readonly isWide: boolean; readonly bucket: number } {
    const { ref } = task
    const owner = ref.deviceId ? owners.get(ref.appId, ref.deviceId) : undefined
    const subject = subjectIdOf(ref, owner ?? null)
    const isWide = task.isWide || (Boolean(ref.deviceId) && owner !== subject)
    return { isWide, bucket: isNarrow && !isWide ? bucketOf(ref.appId, subject) : 0 }
  }

  async function playOne({ isWide, parts }: Group, leave: () => void): Promise<void> {
    const tasks = parts.flatMap((part) => part.tasks)
    const again = new Set<Task>()
    try {
      const ends = await options.play(tasks, isWide)
      for (const [index, task] of tasks.entries()) settle(task, ends[index] as End, again)
    } catch (error) {
      // Whoever restarts needs a moment.
      const wait = failed(tasks, error, parts.length, again)
      if (wait !== null) {
        // With one bucket its node may be gone, and those of others must not be kept from theirs.
        if (isNarrow) leave()
        await new Promise((resolve) => setTimeout(resolve, wait))
      }
    }
    for (const part of parts)
      chains.end(
        part.chain,
        part.tasks.filter((task) => again.has(task)),
      )
    if (waiting.size > 0) return
    for (const done of whenIdle) done()
    whenIdle = []
  }

  function settle(task: Task, end: End, again: Set<Task>): void {
    if (end.type === 'again') {
      task.tries += 1
      if (task.tries > 3 * TRIES_MAX)
        return reject(task, new Error('Expected a turn to be playable, but it never was.'))
      again.add(task)
      return
    }
    waiting.leave(task)
    if (end.type === 'answered') task.resolve(end.answer)
    else task.reject(end.error)
  }

  function reject(task: Task, error: unknown): void {
    waiting.leave(task)
    task.reject(error)
  }

  /** @returns how long to wait before it is tried again, in milliseconds; `null`: not at all */
  function failed(tasks: readonly Task[], error: unknown, chainCount: number, again: Set<Task>): number | null {
    const failure = error instanceof CommitUnknownError ? 'fatal' : failureOf(error)
    for (const { ref } of tasks) if (ref.deviceId) owners.forget(ref.appId, ref.deviceId)
    let tries = 0
    for (const task of tasks) {
      if (failure === 'busy' && chainCount === 1) reject(task, new ProfileBusyError(lockWaitMs))
      else if (failure === 'fatal' || task.tries >= TRIES_MAX) reject(task, unavailable(error))
      else {
        task.tries += 1
        tries = Math.max(tries, task.tries)
        task.isAlone ||= failure === 'busy'
        again.add(task)
      }
    }
    const isLate = error instanceof StaleReadError || failure === 'busy' || tries === 0
    return isLate ? null : RETRY_MS * 2 ** tries
  }

  function idle(): Promise<void> {
    return waiting.size === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))
  }

  return { transact, waitedMs, idle }
}

function unavailable(error: unknown): Error {
  return DamsonError.isInstance(error) ? error : new StoreUnavailableError('a transaction', error)
}
