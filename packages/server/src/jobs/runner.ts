import { type Clock, type EpochMs, MINUTE_MS, SECOND_MS } from '@damson/core'
import { type Job, JOB_KEPT_MS, JOB_KIND } from '../engine/job.ts'
import type { Logger } from '../logger.ts'
import type { Store } from '../store/store.ts'

/** A job that somebody has to himself for a while. */
export interface Task<J extends Job = Job> {
  readonly appId: string
  readonly job: J
  /** Keeps how far it is. @throws {JobLostError} somebody else has taken it */
  save(progress: NonNullable<J['progress']>): Promise<void>
  /** Aborted when the server stops, or the job was lost; work should end soon then. */
  readonly signal: AbortSignal
}

/** What a job returns that has not come to its end: it is gone on with at `at`, by whoever looks first. */
export class GoOn {
  readonly progress: unknown
  readonly at: EpochMs

  constructor(progress: unknown, at: EpochMs) {
    this.progress = progress
    this.at = at
  }
}

/**
 * Carries out the jobs of one type. What it returns is the result, or a `GoOn`; what it throws is tried again, a few times.
 */
export interface JobType {
  run(task: Task): Promise<unknown>
  /** The files that a job leaves, by the names they have in `Files`. */
  filesOf(job: Job): readonly string[]
  /** What is kept of the request when the job has ended: secrets are not. */
  cleaned?(request: unknown): unknown
  /** How long it is known after its end; else `JOB_KEPT_MS`. Milliseconds. */
  readonly keptMs?: number
}

/** The job is not ours any more: whoever has it goes on from what was saved. */
export class JobLostError extends Error {}

/** Nothing can be done now; the job goes on from what was saved after a while. Not counted as a failure. */
export class JobLaterError extends Error {
  readonly waitMs: number

  constructor(message: string, waitMs: number) {
    super(message)
    this.waitMs = waitMs
  }
}

/** An error that will not be another one the next time; its message is for the caller. */
export class JobRefusedError extends Error {}

export interface JobRunnerOptions {
  readonly store: Pick<Store, 'documents' | 'changeDocuments' | 'revisions'>
  readonly clock: Clock
  readonly logger: Logger
  readonly types: Readonly<Record<string, JobType>>
  /** Makes the jobs that are due by a schedule; called before each look. */
  plan?(): Promise<void>
  removeFile(name: string): Promise<void>
  /** Tells whoever asked that a job has ended. Rejects if that may help later. */
  notify(url: string, job: Job): Promise<void>
  /** How long a job stays with a node that says nothing. Milliseconds. */
  readonly leaseMs?: number
  readonly everyMs?: number
}

export interface JobRunner {
  start(): void
  /** Interrupts the job in hand, which others may take over at once. */
  stop(): Promise<void>
  /** Looks soon, instead of at the next turn of the timer. */
  wake(): void
  /** Carries out everything that is due now, one job after the other. */
  work(): Promise<void>
}

const FAILURES_MAX = 3
/** Takers that died with it: more than any crash test, fewer than for ever. */
const ATTEMPTS_MAX = 1_000
const FAILURE_WAIT_MS = 5 * SECOND_MS
/** How long after each failure a callback is tried again. */
const CALLBACK_WAITS_MS = [MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS]

interface Known {
  readonly revision: number
  /** When something of this app is due next. */
  readonly dueAt: number
}

/**
 * Carries out jobs: each is taken with a lease, so that it has one node at a time, and goes on elsewhere when that dies.
 * Every change of a job names the attempt it belongs to, so that a node which was thought dead changes nothing.
 */
export function createJobRunner(options: JobRunnerOptions): JobRunner {
  const { store, clock, logger, types, leaseMs = 30 * SECOND_MS, everyMs = SECOND_MS } = options
  const known = new Map<string, Known>()
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let soon: NodeJS.Timeout | undefined
  let last: Promise<void> = Promise.resolve()
  let isPlanned = false

  function work(): Promise<void> {
    const next = last.then(round)
    last = next.catch(() => undefined)
    return next
  }

  function wake(): void {
    if (isPlanned || timer === undefined || stopping.signal.aborted) return
    isPlanned = true
    setImmediate(() => {
      isPlanned = false
      if (stopping.signal.aborted) return
      work().catch((error: unknown) => logger.error({ err: error }, 'jobs could not be looked at; tried again'))
    })
  }

  /** One job of each app, and again until none is due: an app with much to do keeps the others waiting for one job. */
  async function round(): Promise<void> {
    await options.plan?.()
    for (let isMore = true; isMore && !stopping.signal.aborted;) {
      isMore = false
      for (const { appId, revision } of await jobRevisions()) {
        const before = known.get(appId)
        if (before?.revision === revision && before.dueAt > clock.now()) continue
        if (!stopping.signal.aborted && (await step(appId))) isMore = true
      }
    }
    lookAgain()
  }

  /** What is due before the timer's next turn is not kept waiting for it. */
  function lookAgain(): void {
    const waitMs = Math.min(Infinity, ...[...known.values()].map(({ dueAt }) => dueAt)) - clock.now()
    if (timer === undefined || stopping.signal.aborted || waitMs >= everyMs) return
    clearTimeout(soon)
    soon = setTimeout(wake, Math.max(0, waitMs)).unref()
  }

  async function jobRevisions(): Promise<readonly { appId: string; revision: number }[]> {
    return (await store.revisions()).filter(({ kind }) => kind === JOB_KIND)
  }

  /** Does what has been due for longest. @returns whether there was anything */
  async function step(appId: string): Promise<boolean> {
    const { revision, documents } = await store.documents(appId, JOB_KIND)
    const now = clock.now()
    const jobs = [...documents.values()] as Job[]
    const first = jobs.reduce<Job | undefined>((one, job) => (one && dueAt(one) <= dueAt(job) ? one : job), undefined)
    const due = first !== undefined && dueAt(first) <= now ? first : undefined
    if (due === undefined) {
      known.set(appId, { revision, dueAt: Math.min(Infinity, ...jobs.map(dueAt)) })
      return false
    }
    if (isOver(due)) await afterwards(appId, due, now)
    else await take(appId, due.id)
    return true
  }

  async function take(appId: string, id: string): Promise<void> {
    const job = await change(appId, id, (found) => {
      if (isOver(found) || found.leaseUntil > clock.now()) return null
      if (found.attempt - (found.pauses ?? 0) >= ATTEMPTS_MAX) return ended(found, { error: 'It was begun too often.' })
      return { ...found, state: 'RUNNING', attempt: found.attempt + 1, leaseUntil: clock.now() + leaseMs }
    })
    if (job === null || isOver(job)) return
    const lost = new AbortController()
    const held = (next: (job: Job) => Job) => changeHeld(appId, job, next)
    const renewal = setInterval(() => {
      held((found) => ({ ...found, leaseUntil: clock.now() + leaseMs })).catch((error: unknown) => {
        if (error instanceof JobLostError) lost.abort(error)
        else logger.warn({ err: error, jobId: id }, 'the lease of a job could not be renewed')
      })
    }, leaseMs / 3)
    try {
      await carryOut(appId, job, held, AbortSignal.any([stopping.signal, lost.signal]))
    } finally {
      clearInterval(renewal)
    }
  }

  async function carryOut(
    appId: string,
    job: Job,
    held: (next: (job: Job) => Job) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const type = types[job.type]
    const save = (progress: unknown) => held((found) => ({ ...found, progress, leaseUntil: clock.now() + leaseMs }))
    try {
      if (type === undefined) throw new JobRefusedError(`Expected a type of job that is known, found '${job.type}'.`)
      const result = await type.run({ appId, job, save, signal })
      await held((found) => (result instanceof GoOn ? paused(found, result) : ended(found, { result })))
    } catch (error) {
      if (error instanceof JobLostError) return
      await held((found) => afterFailure(found, error, signal))
        .catch((lost: unknown) => {
          if (!(lost instanceof JobLostError)) throw lost
        })
        .finally(() => {
          if (signal.aborted) return
          if (error instanceof JobLaterError) logger.warn({ err: error, jobId: job.id }, 'a job waits')
          else logger.error({ err: error, jobId: job.id }, 'a job failed')
        })
    }
  }

  function paused(job: Job, { progress, at }: GoOn): Job {
    return { ...job, progress, state: 'PENDING', leaseUntil: at, failures: 0, pauses: (job.pauses ?? 0) + 1 }
  }

  function afterFailure(job: Job, error: unknown, signal: AbortSignal): Job {
    // Interrupted, not failed: whoever looks next goes on with it.
    if (signal.aborted) return { ...job, state: 'PENDING', leaseUntil: 0 }
    if (error instanceof JobLaterError) return { ...job, state: 'PENDING', leaseUntil: clock.now() + error.waitMs }
    if (error instanceof JobRefusedError) return ended(job, { error: error.message })
    const failures = job.failures + 1
    if (failures >= FAILURES_MAX)
      return ended({ ...job, failures }, { error: 'It failed; the log of the server says why.' })
    return { ...job, state: 'PENDING', failures, leaseUntil: clock.now() + FAILURE_WAIT_MS * failures }
  }

  function ended(job: Job, outcome: { readonly result: unknown } | { readonly error: string }): Job {
    const request = types[job.type]?.cleaned?.(job.request) ?? job.request
    const state = 'error' in outcome ? 'FAILED' : 'FINISHED'
    return { ...job, ...outcome, request, state, finishedAt: clock.now() }
  }

  /** What a job that has ended still asks for: its callback, and to be forgotten with its files. */
  async function afterwards(appId: string, job: Job, now: number): Promise<void> {
    const { callback } = job
    if (callback && callback.dueAt <= now && now < forgetAt(job)) return call(appId, job, callback)
    for (const name of types[job.type]?.filesOf(job) ?? []) await options.removeFile(name)
    await store.changeDocuments(appId, JOB_KIND, () => ({ answer: undefined, put: { [job.id]: null } }))
  }

  async function call(appId: string, job: Job, { url, tries }: NonNullable<Job['callback']>): Promise<void> {
    const wait = CALLBACK_WAITS_MS[tries]
    // Counted before it is sent: whoever dies meanwhile has had his try.
    const dueAt = wait === undefined ? null : clock.now() + wait
    const next = dueAt === null ? null : { url, tries: tries + 1, dueAt }
    const claimed = await change(appId, job.id, (found) =>
      found.callback?.tries === tries ? { ...found, callback: next } : null,
    )
    if (claimed === null) return
    try {
      await options.notify(url, job)
      await change(appId, job.id, (found) => ({ ...found, callback: null }))
    } catch (error) {
      logger.warn({ err: error, jobId: job.id }, 'a callback could not be delivered')
    }
  }

  function forgetAt(job: Job): number {
    return (job.finishedAt ?? job.createdAt) + (types[job.type]?.keptMs ?? JOB_KEPT_MS)
  }

  function dueAt(job: Job): number {
    if (!isOver(job)) return job.leaseUntil
    return Math.min(forgetAt(job), job.callback?.dueAt ?? Infinity)
  }

  function changeHeld(appId: string, job: Job, next: (job: Job) => Job): Promise<void> {
    return store.changeDocuments(appId, JOB_KIND, ({ documents }) => {
      const found = documents.get(job.id) as Job | undefined
      if (found === undefined || found.attempt !== job.attempt || found.state !== 'RUNNING')
        throw new JobLostError(`the job ${job.id} was taken by another node`)
      return { answer: undefined, put: { [job.id]: next(found) } }
    })
  }

  /** Puts what `next` makes of the job, and gives it back; `null` if it makes nothing of it, or there is none. */
  function change(appId: string, id: string, next: (job: Job) => Job | null): Promise<Job | null> {
    return store.changeDocuments(appId, JOB_KIND, ({ documents }) => {
      const found = documents.get(id) as Job | undefined
      const changed = found === undefined ? null : next(found)
      return { answer: changed, ...(changed !== null && { put: { [id]: changed } }) }
    })
  }

  return {
    work,
    wake,
    start() {
      timer = setInterval(wake, everyMs)
      timer.unref()
      wake()
    },
    async stop() {
      stopping.abort()
      clearInterval(timer)
      clearTimeout(soon)
      await last
    },
  }
}

function isOver({ state }: Job): boolean {
  return state === 'FINISHED' || state === 'FAILED'
}
