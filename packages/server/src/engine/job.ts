import { DAY_MS, type EpochMs } from '@damson/core'
import { pacificMidnight } from './pacific.ts'

/** What runs longer than a request: kept as a document of this kind, carried out by one node at a time. */
export const JOB_KIND = 'job'

/** How long the results of a job can be had, and the job itself is known. @source documented: specification 8.10 */
export const JOB_KEPT_MS = DAY_MS

export type JobState = 'PENDING' | 'RUNNING' | 'FINISHED' | 'FAILED'

/** A job, as it is kept. What it is asked and what comes out depends on its type. */
export interface Job<Type extends string = string, Request = unknown, Progress = unknown, Result = unknown> {
  readonly id: string
  readonly type: Type
  readonly state: JobState
  readonly createdAt: EpochMs
  /** Where the caller reached us: what addresses of its files begin with. */
  readonly baseUrl: string
  readonly request: Request
  /** How far it is; whoever takes over goes on from there. `null` at first. */
  readonly progress: Progress | null
  readonly result: Result | null
  readonly error: string | null
  readonly finishedAt: EpochMs | null
  /** How often somebody took it; what a former holder says does not count any more. */
  readonly attempt: number
  /** How often it was given back by whoever had it, to be gone on with. */
  readonly pauses?: number
  /** How often it went wrong; not counting holders that died. */
  readonly failures: number
  /** Until then its holder has it alone; for one that waits, when it may be taken. */
  readonly leaseUntil: EpochMs
  /** Whom to tell that it has ended. */
  readonly callback?: JobCallback | null
}

export interface JobCallback {
  readonly url: string
  readonly tries: number
  readonly dueAt: EpochMs
}

export type NewJob<Type extends string, Request> = Pick<
  Job<Type, Request>,
  'id' | 'type' | 'createdAt' | 'baseUrl' | 'request'
> & { readonly callbackUrl?: string }

export function newJob<Type extends string, Request>(job: NewJob<Type, Request>): Job<Type, Request> {
  const { callbackUrl, ...rest } = job
  return {
    ...rest,
    state: 'PENDING',
    progress: null,
    result: null,
    error: null,
    finishedAt: null,
    attempt: 0,
    failures: 0,
    leaseUntil: 0,
    ...(callbackUrl !== undefined && { callback: { url: callbackUrl, tries: 0, dueAt: 0 } }),
  }
}

/** How many jobs of a type were made since midnight Pacific; those that failed do not count (specification 8.10). */
export function madeToday(documents: ReadonlyMap<string, unknown>, type: string, now: EpochMs): number {
  const since = pacificMidnight(now)
  let count = 0
  for (const document of documents.values()) {
    const job = document as Job
    if (job.type === type && job.state !== 'FAILED' && job.createdAt >= since) count += 1
  }
  return count
}

/** `prefix_<number of the app>_<19 digits>`; of the digits, 62 bits are random. */
export function jobId(prefix: string, appNumber: number, random: string): string {
  return `${prefix}_${appNumber}_${random.padStart(19, '0')}`
}
