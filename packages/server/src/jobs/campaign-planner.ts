import type { Clock } from '@damson/core'
import { LATE_MAX_MS } from '../content/schedule.ts'
import { beginRun, dueRun, runsOf } from '../engine/campaign-jobs.ts'
import type { RunningEngine } from '../engine/engine.ts'
import { JOB_KIND } from '../engine/job.ts'
import type { Logger } from '../logger.ts'
import type { Store } from '../store/store.ts'

export interface CampaignPlannerOptions {
  readonly store: Pick<Store, 'changeDocuments'>
  readonly engine: Pick<RunningEngine, 'apps' | 'campaignsOf'>
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Begins the runs of campaigns that are due. Any node may: a run is called by its time, so that the second to begin it finds
 * that it is there.
 */
export function createCampaignPlanner({ store, engine, clock, logger }: CampaignPlannerOptions): () => Promise<void> {
  /** Until when nothing of an app is due, as long as its campaigns are the same. */
  const quiet = new Map<string, { readonly campaigns: unknown; readonly until: number }>()

  return async () => {
    for (const { appId, number } of engine.apps()) {
      const campaigns = engine.campaignsOf(appId)
      const now = clock.now()
      const known = quiet.get(appId)
      if (known?.campaigns === campaigns && now < known.until) continue
      let until = Infinity
      for (const { id, source, schedule } of campaigns.values()) {
        const { activeSince, state } = source
        if (schedule === null || state !== 'active' || activeSince === undefined) continue
        const late = { activeSince, lateMaxMs: LATE_MAX_MS }
        // Asked without knowing the runs first, so that a store is only asked when there may be something.
        if (dueRun(schedule.last, late, [], now) !== null) {
          const run = await store.changeDocuments(appId, JOB_KIND, (set) => {
            const runAt = dueRun(schedule.last, late, runsOf(set.documents, id), now)
            return runAt === null ? { answer: null } : beginRun(set, number, id, runAt, now)
          })
          if (run !== null) logger.info({ appId, campaignId: id, run }, 'a campaign begins')
        }
        until = Math.min(until, schedule.next(now) ?? Infinity)
      }
      quiet.set(appId, { campaigns, until })
    }
  }
}
