import { type EpochMs, SECOND_MS } from '@damson/core'
import { type Campaign, nextRunAt } from '../content/campaigns.ts'
import { type CampaignCounts, type CampaignJob, isGoingOn } from '../engine/campaign-jobs.ts'

/** Instants are seconds. */
export interface ToldCampaign {
  readonly id: number
  readonly name: string
  readonly state: string
  /** When it runs next, if it does. */
  readonly next?: number
  /** Latest first. */
  readonly runs: readonly ToldRun[]
}

export interface ToldRun extends CampaignCounts {
  readonly id: string
  readonly time: number
  readonly state: 'waiting' | 'running' | 'cancelled' | 'finished' | 'failed'
  readonly finished?: number
  readonly error?: string
}

/** A campaign as the admin surface tells of it, with its runs, latest first. Instants are seconds. */
export function toldCampaign(campaign: Campaign, runs: readonly CampaignJob[], now: EpochMs): ToldCampaign {
  const { id, source } = campaign
  const { name, state } = source
  const nextAt = nextRunAt(campaign, now)
  return { id, name, state, ...(nextAt !== null && { next: nextAt / SECOND_MS }), runs: runs.map(toldRun) }
}

function toldRun(run: CampaignJob): ToldRun {
  const { id, request, progress, result, finishedAt, error } = run
  const { users = 0, sent = 0, heldBack = 0, notSent = 0 } = result ?? progress ?? {}
  return {
    id,
    time: request.runAt / SECOND_MS,
    state: stateOf(run),
    users,
    sent,
    heldBack,
    notSent,
    ...(finishedAt !== null && { finished: finishedAt / SECOND_MS }),
    ...(error !== null && { error }),
  }
}

function stateOf(run: CampaignJob): ToldRun['state'] {
  if (run.state === 'FAILED') return 'failed'
  if (isGoingOn(run)) return run.progress === null ? 'waiting' : 'running'
  return run.result?.isCancelled === true ? 'cancelled' : 'finished'
}
