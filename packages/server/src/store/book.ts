import { hash } from 'node:crypto'
import type { EpochMs } from '@damson/core'
import { DAY_MS } from '@damson/core'
import type { App } from '../engine/app.ts'
import { apply, erasedDigest, type Target } from './apply.ts'
import type { Backend, LoadRequest, Opened } from './backend.ts'
import { check, isWriting, needsSeen } from './check.ts'
import { createDocuments } from './book-documents.ts'
import { FAILED_DELIVERY_DAYS } from './deliveries.ts'
import { ProfileBusyError, StoreBusyError, StoreClosedError, StoreUnavailableError } from './errors.ts'
import { createGroup, type Group, seal } from './group.ts'
import { readDeliveries, readEntries, readOwners, readProfiles } from './pages.ts'
import { createShelves, install, keyOf, requestOf, resolve, type Resolved } from './shelves.ts'
import type { Loaded, ProfileRef, Store, Turn } from './store.ts'

export interface BookOptions {
  /** How long a turn may find earlier turns on its profile not yet durable. Milliseconds; 0: not at all. */
  readonly lockWaitMs?: number
  /** How many turns may wait, for reading or for being durable, before more are refused. */
  readonly maxPendingTurns?: number
  /** How many profiles stay in memory; more while they are being written. */
  readonly cachedProfiles?: number
}

/** Below this, one turn's own profiles could push each other out. */
const CACHED_PROFILES_MIN = 16
/** A turn reads again when what it read was changed meanwhile; more often than this is a mistake of ours. */
const LOADS_MAX = 20

interface Task {
  readonly ref: ProfileRef
  readonly decide: (loaded: Loaded) => Turn<unknown>
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
  withSeen: boolean
  loads: number
}

/**
 * A `Store` over a backend. This process owns the data, so turns are decided here, one after the other and against
 * memory, without locks; what they write shares a commit with whatever else came while the last commit was in flight. A
 * turn may be decided on top of one that is not durable yet: it is answered after it, and if a commit fails all of
 * them fail and memory is forgotten.
 */
export function createBook(backend: Backend, opened: Opened, options: BookOptions = {}): Store {
  const { lockWaitMs = 10_000, maxPendingTurns = 20_000, cachedProfiles = 12_000 } = options
  const shelves = createShelves(Math.max(cachedProfiles, CACHED_PROFILES_MIN))
  const erased = new Map(opened.erased)
  const loading = new Map<string, { readonly request: LoadRequest; readonly tasks: Task[] }>()
  let toLoad: string[] = []
  let { nextPid, horizon } = opened
  let open: Group | null = null
  let target: Target | null = null
  let committing: Group | null = null
  let isFlushPlanned = false
  let pending = 0
  let closing: Promise<void> | null = null
  let whenIdle: (() => void) | null = null
  let lastKey = ''
  let lastDigest = ''

  function transact<T>(ref: ProfileRef, decide: (loaded: Loaded) => Turn<T>): Promise<T> {
    if (closing !== null) return Promise.reject(new StoreClosedError())
    if (pending >= maxPendingTurns) return Promise.reject(new StoreBusyError(maxPendingTurns))
    return new Promise((resolve, reject) => {
      pending += 1
      // A second profile is there to be joined with, message ids and all.
      const withSeen = ref.needsSeen || ref.otherUserId !== undefined
      attempt({ ref, decide, resolve: resolve as (answer: unknown) => void, reject, withSeen, loads: 0 })
    })
  }

  function attempt(task: Task): void {
    try {
      const found = resolve(shelves, task.ref, task.withSeen)
      if (found === null) load(task)
      else perform(task, found)
    } catch (error) {
      settle(1)
      task.reject(error)
    }
  }

  function perform(task: Task, found: Resolved): void {
    const { ref } = task
    const now = performance.now()
    for (const held of [found.subject, found.other]) {
      if (held !== null && held.group !== null && now - held.busySince >= lockWaitMs)
        throw new ProfileBusyError(lockWaitMs)
    }
    const turn = task.decide(loadedOf(found, ref))
    if (!isWriting(turn, found, ref, shelves)) return wait(lastGroup(found), task, turn.answer)
    if (!task.withSeen && needsSeen(turn)) {
      task.withSeen = true
      return attempt(task)
    }
    check(turn, found, ref, shelves)
    const group = openGroup(now)
    try {
      apply(targetOf(group), turn, found, ref)
    } catch (error) {
      // A mistake of ours half-way: the group holds half a turn now, and must not be written.
      drop([group], error)
      open = null
      throw error
    }
    wait(group, task, turn.answer)
  }

  function loadedOf(found: Resolved, { appId, userId, deviceId }: ProfileRef): Loaded {
    const { subject, other, deviceUserId } = found
    const isErased = (seenDigest: string, id: string | null) =>
      id !== null && (erased.get(erasedDigest(digest, appId, id, seenDigest)) ?? -Infinity) >= horizon
    return {
      subject: subject?.profile ?? null,
      other: other?.profile ?? null,
      deviceUserId,
      seen: (key) => {
        const seenDigest = digest(appId, key)
        const before = subject?.seen?.get(seenDigest)
        if (before !== undefined && before.at >= horizon) return before.answer
        if (erased.size === 0) return undefined
        return isErased(seenDigest, userId) || isErased(seenDigest, deviceId) ? '' : undefined
      },
    }
  }

  const newPid = () => nextPid++

  function targetOf(group: Group): Target {
    if (target?.group !== group) target = { shelves, group, erased, newPid, digest }
    return target
  }

  function digest(appId: string, key: string): string {
    const whole = keyOf(appId, key)
    if (whole === lastKey) return lastDigest
    lastKey = whole
    lastDigest = hash('sha256', opened.salt + whole, 'base64url').slice(0, 22)
    return lastDigest
  }

  /** The newest group that the answer rests on; groups become durable in order. */
  function lastGroup(found: Resolved): Group | null {
    let last: Group | null = null
    for (const { group } of found.rests) if (group !== null && (last === null || group === open)) last = group
    return last
  }

  /** Holds on to the answer alone: what it was decided from is let go of now, and not when the disk has it. */
  function wait(group: Group | null, { resolve, reject }: Task, answer: unknown): void {
    if (group !== null) {
      group.waiting.push({ succeed: () => resolve(answer), fail: reject })
      return
    }
    settle(1)
    resolve(answer)
  }

  function load(task: Task): void {
    task.loads += 1
    if (task.loads > LOADS_MAX) throw new Error('Expected a profile to be in memory once it was read, but it is not.')
    const request = requestOf(shelves, task.ref, task.withSeen)
    const key = JSON.stringify(request)
    const known = loading.get(key)
    if (known !== undefined) return void known.tasks.push(task)
    loading.set(key, { request, tasks: [task] })
    if (toLoad.push(key) === 1) queueMicrotask(sendLoads)
  }

  function sendLoads(): void {
    const keys = toLoad
    toLoad = []
    const requests = keys.map((key) => loading.get(key)?.request as LoadRequest)
    const finish = (each: (tasks: Task[], index: number) => void) => {
      keys.forEach((key, index) => {
        const tasks = loading.get(key)?.tasks ?? []
        loading.delete(key)
        each(tasks, index)
      })
    }
    backend.load(requests).then(
      (answers) =>
        finish((tasks, index) => {
          const [request, answer] = [requests[index], answers[index]]
          if (request === undefined || answer === undefined) throw new Error('Expected an answer to each load.')
          // The turns run before anything else is added, which might push out what was read for them.
          install(shelves, request, answer)
          for (const task of tasks) attempt(task)
        }),
      (cause: unknown) =>
        finish((tasks) => {
          settle(tasks.length)
          for (const task of tasks) task.reject(new StoreUnavailableError('a read', cause))
        }),
    )
  }

  function openGroup(now: number): Group {
    if (open === null) {
      open = createGroup(now)
      if (committing === null) planFlush()
    }
    return open
  }

  /** After this turn of the loop: the requests that arrived together are committed together. */
  function planFlush(): void {
    if (isFlushPlanned) return
    isFlushPlanned = true
    setImmediate(flush)
  }

  function flush(): void {
    isFlushPlanned = false
    if (committing !== null || open === null) return
    const group = open
    committing = group
    open = null
    new Promise<void>((resolve) => resolve(backend.commit(seal(group)))).then(
      () => succeeded(group),
      (cause: unknown) => failed(cause),
    )
  }

  function succeeded(group: Group): void {
    for (const [pid, { held }] of group.drafts) {
      shelves.profiles.unpin(pid, group)
      if (held.group !== null) held.busySince = held.group.openedAt
    }
    for (const pid of group.gone) shelves.profiles.remove(pid)
    for (const key of group.names) shelves.names.unpin(key, group)
    for (const key of group.devices.keys()) shelves.devices.unpin(key, group)
    committing = null
    if (open !== null) planFlush()
    settle(group.waiting.length)
    for (const waiting of group.waiting) waiting.succeed()
  }

  function failed(cause: unknown): void {
    const groups = [committing, open].filter((group) => group !== null)
    committing = null
    open = null
    drop(groups, cause)
  }

  /** What these groups would have written goes, and everything in memory with it: it is read again when needed. */
  function drop(groups: readonly Group[], cause: unknown): void {
    for (const shelf of Object.values(shelves)) shelf.clear()
    for (const group of groups) for (const { digest: id } of group.erased) erased.delete(id)
    const waiting = groups.flatMap((group) => group.waiting)
    settle(waiting.length)
    for (const { fail } of waiting) fail(new StoreUnavailableError('a commit', cause))
  }

  function settle(count: number): void {
    pending -= count
    if (pending === 0 && whenIdle !== null) whenIdle()
  }

  async function close(): Promise<void> {
    if (pending > 0) await new Promise<void>((resolve) => (whenIdle = resolve))
    await backend.close()
  }

  /** Adds to the open group what is no turn. Resolves when it is durable. */
  function writing(add: (group: Group) => void): Promise<void> {
    if (closing !== null) return Promise.reject(new StoreClosedError())
    return new Promise((resolve, reject) => {
      pending += 1
      const group = openGroup(performance.now())
      add(group)
      group.waiting.push({ succeed: resolve, fail: reject })
    })
  }

  async function reading<T>(read: () => Promise<T>): Promise<T> {
    if (closing !== null) throw new StoreClosedError()
    return read().catch((cause: unknown) => {
      throw new StoreUnavailableError('a read', cause)
    })
  }

  return {
    transact,
    apps: async () => (await reading(() => backend.apps())).map((doc) => JSON.parse(doc) as App),
    saveApp: (app: App) => writing((group) => group.apps.push(app)),
    ...createDocuments({
      read: (appId, kind) => reading(() => backend.documents(appId, kind)),
      revisions: () => reading(() => backend.revisions()),
      write: writing,
    }),
    claimDeliveries: (claim) => reading(() => backend.claimDeliveries(claim)),
    settleDelivery: (id, attempt, settlement) => reading(() => backend.settleDelivery(id, attempt, settlement)),
    deliveries: (query) => readDeliveries(query, (after) => reading(() => backend.deliveryPage(query, after))),
    reviveDelivery: (appId, id, dueAt) => reading(() => backend.reviveDelivery(appId, id, dueAt)),
    overdue: async (now, limit) => {
      const owners = await reading(() => backend.overdue(now, limit))
      return owners.map(({ appId, userId }) => ({ appId, userId, deviceId: null, needsSeen: false }))
    },
    profiles: (appId) => readProfiles((after) => reading(() => backend.profilePage(appId, after))),
    owners: (appId, after) => readOwners(after, (last) => reading(() => backend.profilePage(appId, last))),
    entries: ({ appId, userId = null }) =>
      readEntries((after) => reading(() => backend.entryPage({ appId, userId, after }))),
    forget: async (now: EpochMs) => {
      horizon = Math.max(horizon, now - DAY_MS)
      for (const [id, at] of erased) if (at < horizon) erased.delete(id)
      await reading(() => backend.forget(horizon, now - FAILED_DELIVERY_DAYS * DAY_MS))
    },
    close: () => (closing ??= close()),
  }
}
