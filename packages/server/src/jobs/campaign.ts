import { type Clock, DAY_MS, type EpochMs, SECOND_MS } from '@damson/core'
import type { Campaign } from '../content/campaigns.ts'
import type { CampaignJob, CampaignProgress, CampaignResult } from '../engine/campaign-jobs.ts'
import { hadRun } from '../engine/campaigns.ts'
import type { RunningEngine } from '../engine/engine.ts'
import type { Store } from '../store/store.ts'
import { GoOn, type JobType, type Task } from './runner.ts'

export interface CampaignOptions {
  readonly store: Pick<Store, 'owners'>
  readonly engine: Pick<RunningEngine, 'campaignsOf' | 'sendCampaign'>
  readonly clock: Clock
}

/** So many users have their turn before others have the runner, and before it is kept how far the run is. */
const STEP_SENT = 500
const STEP_USERS = 20_000
/** Turns that wait for one commit together. */
const AT_ONCE = 100
const KEPT_MS = 30 * DAY_MS

/**
 * A run of a campaign: walks over the users, gives those of the audience their messages, and keeps how far it is every few
 * hundred users. After a crash it goes on from there: whoever had their turn since is known by their profile.
 */
export function campaignType({ store, engine, clock }: CampaignOptions): JobType {
  async function run({ appId, job, signal }: Task<CampaignJob>): Promise<CampaignResult | GoOn> {
    const { campaignId, runAt, isCancelled = false } = job.request
    const now = clock.now()
    const before = job.progress ?? { startedAt: now, afterUserId: null, users: 0, sent: 0, heldBack: 0, notSent: 0 }
    const campaign = engine.campaignsOf(appId).get(campaignId)
    if (isCancelled || campaign?.source.state !== 'active') return result(before, true)

    const { perSecond } = campaign.source
    const step = new Step(before, Math.min(perSecond ?? Infinity, STEP_SENT))
    let isOver = true
    let turns: Promise<void>[] = []
    const settle = async (): Promise<void> => {
      await Promise.all(turns)
      turns = []
    }
    for await (const { userId, profile } of store.owners(appId, before.afterUserId)) {
      signal.throwIfAborted()
      if (step.isFull()) {
        isOver = false
        break
      }
      step.pass(userId)
      // What the walk saw may be old by now; the turn looks again.
      if (profile === null || profile.blocked || !campaign.matches(profile, now)) continue
      if (hadRun(profile, campaignId, runAt)) {
        step.recall()
        continue
      }
      turns.push(step.count(engine.sendCampaign(appId, userId, campaign, runAt)))
      if (turns.length >= AT_ONCE) await settle()
    }
    await settle()
    if (isOver) return result(step.progress, false)
    return new GoOn(step.progress, nextAt(campaign, now, step.sends))
  }

  return { run: (task) => run(task as Task<CampaignJob>), filesOf: () => [], keptMs: KEPT_MS }
}

/** When so many more users may be sent to. */
function nextAt({ source: { perSecond } }: Campaign, now: EpochMs, sends: number): EpochMs {
  return perSecond === undefined ? now : now + Math.ceil((sends * SECOND_MS) / perSecond)
}

function result({ users, sent, heldBack, notSent }: CampaignProgress, isCancelled: boolean): CampaignResult {
  return { users, sent, heldBack, notSent, isCancelled }
}

/** The users between one look at the clock and the next. */
class Step {
  /** Turns that were begun. */
  sends = 0
  readonly #limit: number
  readonly #counts: { -readonly [K in keyof CampaignProgress]: CampaignProgress[K] }
  #users = 0

  constructor(before: CampaignProgress, limit: number) {
    this.#counts = { ...before }
    this.#limit = limit
  }

  get progress(): CampaignProgress {
    return { ...this.#counts }
  }

  isFull(): boolean {
    return this.sends >= this.#limit || this.#users >= STEP_USERS
  }

  pass(userId: string): void {
    this.#users += 1
    this.#counts.users += 1
    this.#counts.afterUserId = userId
  }

  /** Of a user who had their turn before a crash took what was counted. What of it was held back, nobody knows any more. */
  recall(): void {
    this.#counts.sent += 1
  }

  async count(turn: ReturnType<RunningEngine['sendCampaign']>): Promise<void> {
    this.sends += 1
    const outcome = await turn
    this.#counts[outcome === 'before' ? 'sent' : outcome] += 1
  }
}
