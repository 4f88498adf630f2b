import type { EpochMs } from '@damson/core'
import type { DocumentChange, DocumentSet } from '../store/store.ts'
import { type Job, newJob } from './job.ts'

export const CAMPAIGN_JOB = 'campaign'

export interface CampaignRequest {
  readonly campaignId: number
  /** What the run is called by: when it is of, by the schedule or by whoever began it. */
  readonly runAt: EpochMs
  readonly isCancelled?: boolean
}

/** How many users a run has been to, and what became of them. */
export interface CampaignCounts {
  /** Looked at, whether or not they are in the audience. */
  readonly users: number
  readonly sent: number
  /** In the control group of the message, or it could not be filled in for them. */
  readonly heldBack: number
  /** In the audience, but not to be had: unsubscribed, without an address, or not meant by the message itself. */
  readonly notSent: number
}

export interface CampaignProgress extends CampaignCounts {
  readonly startedAt: EpochMs
  /** The last user it has been to; `null` before the first. */
  readonly afterUserId: string | null
}

export interface CampaignResult extends CampaignCounts {
  readonly isCancelled: boolean
}

export type CampaignJob = Job<typeof CAMPAIGN_JOB, CampaignRequest, CampaignProgress, CampaignResult>

/** Runs that are over are known so long, and the last few of each campaign only. */
const RUNS_KEPT = 20

/** The runs of a campaign that are known, latest first. */
export function runsOf(documents: DocumentSet['documents'], campaignId: number): readonly CampaignJob[] {
  const jobs = [...documents.values()] as Job[]
  const runs = jobs.filter((job): job is CampaignJob => job.type === CAMPAIGN_JOB)
  return runs
    .filter(({ request }) => request.campaignId === campaignId)
    .sort((one, other) => other.request.runAt - one.request.runAt)
}

export function isGoingOn({ state }: Job): boolean {
  return state === 'PENDING' || state === 'RUNNING'
}

/**
 * Begins a run unless there is one of that time, or a later one, or one that goes on: runs of a campaign come one after the
 * other, so that a user cannot be in two.
 */
export function beginRun(
  { documents }: Pick<DocumentSet, 'documents'>,
  appNumber: number,
  campaignId: number,
  runAt: EpochMs,
  now: EpochMs,
): DocumentChange<string | null> {
  const runs = runsOf(documents, campaignId)
  const [last] = runs
  if (last !== undefined && (last.request.runAt >= runAt || isGoingOn(last))) return { answer: null }
  const id = `campaign_${appNumber}_${campaignId}_${runAt}`
  const request: CampaignRequest = { campaignId, runAt }
  const job = newJob({ id, type: CAMPAIGN_JOB, createdAt: now, baseUrl: '', request })
  const old = runs.slice(RUNS_KEPT - 1).map((run) => [run.id, null] as const)
  return { answer: id, put: { [id]: job, ...Object.fromEntries(old) } }
}

/** Has a run end before its time. */
export function cancelRun({ documents }: Pick<DocumentSet, 'documents'>, campaignId: number): DocumentChange<boolean> {
  const run = runsOf(documents, campaignId).find(isGoingOn)
  if (run === undefined) return { answer: false }
  const request: CampaignRequest = { ...run.request, isCancelled: true }
  // One that waits for its next second need not wait to hear of it.
  const leaseUntil = run.state === 'PENDING' ? 0 : run.leaseUntil
  return { answer: true, put: { [run.id]: { ...run, request, leaseUntil } } }
}

/**
 * The time a campaign is due for now: the last one of its schedule that nobody has begun, of those since the campaign became
 * active and its last run ended. `null`: none, or it is too late.
 */
export function dueRun(
  last: (after: EpochMs, until: EpochMs) => EpochMs | null,
  { activeSince, lateMaxMs }: { readonly activeSince: EpochMs; readonly lateMaxMs: number },
  runs: readonly CampaignJob[],
  now: EpochMs,
): EpochMs | null {
  if (runs.some(isGoingOn)) return null
  const ends = runs.flatMap(({ request, finishedAt }) => [request.runAt, finishedAt ?? -Infinity])
  return last(Math.max(activeSince, now - lateMaxMs, ...ends), now)
}
