import type { EpochMs } from '@damson/core'
import type { Matches } from './audience/index.ts'
import type { Target } from './leaves.ts'
import { compileSchedule, type Schedule, type ScheduleSource } from './schedule.ts'

export const CAMPAIGN_STATES = ['draft', 'active', 'finished'] as const

/** The most users a second that a campaign may be told to send to. */
export const PER_SECOND_MAX = 10_000

/** A campaign as people write it down: messages to everybody in an audience. */
export interface CampaignSource {
  readonly name: string
  /** Only an active one sends; a run that goes on stops when it is active no more. */
  readonly state: (typeof CAMPAIGN_STATES)[number]
  readonly audience?: string | undefined
  readonly where?: string | undefined
  /** Ids of messages, which each user gets in this order. */
  readonly messages: readonly number[]
  /** Without one it runs when it is told to: `startCampaign` for one user, `runCampaign` for all. */
  readonly schedule?: ScheduleSource | undefined
  /** At most so many users a second; without it, as quickly as it goes. */
  readonly perSecond?: number | undefined
}

/** A campaign as it is kept. */
export interface KeptCampaign extends CampaignSource {
  /** Since when it has been active; times before that are none of its own. */
  readonly activeSince?: EpochMs
}

export interface Campaign {
  readonly id: number
  readonly source: KeptCampaign
  readonly matches: Matches
  readonly schedule: Schedule | null
}

export type Campaigns = ReadonlyMap<number, Campaign>

export function compileCampaigns(kept: Readonly<Record<string, KeptCampaign>>, target: Target): Campaigns {
  return new Map(
    Object.entries(kept).map(([text, source]) => {
      const schedule = source.schedule === undefined ? null : compileSchedule(source.schedule)
      return [Number(text), { id: Number(text), source, matches: target(source), schedule }]
    }),
  )
}

/** When an active campaign runs next; `null` if it does not. */
export function nextRunAt({ source, schedule }: Campaign, now: EpochMs): EpochMs | null {
  return source.state === 'active' ? (schedule?.next(now) ?? null) : null
}

/** When a campaign sends by its schedule: at its one time, be it past or to come, or the next of many. */
export function scheduledAt(campaign: Campaign, now: EpochMs): EpochMs | null {
  const { source, schedule } = campaign
  return source.schedule?.at === undefined ? nextRunAt(campaign, now) : (schedule?.next(-Infinity) ?? null)
}

/** The campaign a message belongs to: of several an active one before others, then the one with the lowest id. */
export function campaignOf(
  campaigns: Campaigns,
  messageId: number,
  { includeDrafts }: { readonly includeDrafts: boolean },
): Campaign | null {
  const own = [...campaigns.values()].filter(
    ({ source: { messages, state } }) => messages.includes(messageId) && (includeDrafts || state !== 'draft'),
  )
  own.sort((one, other) => activeFirst(one) - activeFirst(other) || one.id - other.id)
  return own[0] ?? null
}

function activeFirst({ source: { state } }: Campaign): number {
  return state === 'active' ? 0 : 1
}

/** What is kept of a campaign that was written down now. */
export function keptCampaign(source: CampaignSource, before: KeptCampaign | undefined, now: EpochMs): KeptCampaign {
  if (source.state !== 'active') return source
  const activeSince = before?.state === 'active' ? (before.activeSince ?? now) : now
  return { ...source, activeSince }
}
