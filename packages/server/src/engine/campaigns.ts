import type { EpochMs } from '@damson/core'
import type { Campaign } from '../content/campaigns.ts'
import { contentKind } from '../content/snapshot.ts'
import type { Loaded, Turn } from '../store/store.ts'
import { Draft } from './draft.ts'
import { decideMessage, type MessageScene, type SendOptions } from './messages/decide.ts'
import type { Profile } from './profile.ts'
import type { Services } from './scene.ts'
import { sendingsOf } from './sendings.ts'
import { nextDeadline } from './story.ts'

/** What became of one user in a run: `before`: had it in this run already; `notSent`: had none of the messages. */
export type RunOutcome = 'sent' | 'heldBack' | 'notSent' | 'before'

/** One run of a campaign, as far as one user is concerned. */
export interface CampaignRun {
  readonly appId: string
  readonly campaign: Campaign
  /** What the run is called by: the instant it is of. Runs of one campaign come one after the other. */
  readonly runAt: EpochMs
  readonly services: Services
  readonly now: EpochMs
}

/** Whether a user had the campaign in this run, or in a later one. */
export function hadRun({ campaigns }: Profile, campaignId: number, runAt: EpochMs): boolean {
  const last =
    campaigns !== undefined && Object.hasOwn(campaigns, campaignId) ? campaigns[String(campaignId)] : undefined
  return last !== undefined && last >= runAt
}

/** Gives the messages of a campaign to a user, as far as they are meant for them. */
export function decideCampaign(
  draft: Draft,
  campaign: Campaign,
  scene: MessageScene,
  options: SendOptions = {},
): Exclude<RunOutcome, 'before'> {
  if (options.force !== true && !campaign.matches(draft.profile, scene.now)) return 'notSent'
  const { messages } = scene.services.catalog.of(scene.appId, contentKind)
  const inCampaign = { ...options, campaignId: campaign.id }
  const became = campaign.source.messages.map((id) => {
    const message = messages.byId.get(id)
    // One that was deleted since is as one that nobody may have any more.
    return message === undefined ? 'notSent' : decideMessage(draft, message, scene, inCampaign).as
  })
  return became.includes('sent') ? 'sent' : became.some((one) => one !== 'notSent') ? 'heldBack' : 'notSent'
}

/**
 * A user's turn in a run. That they had it is written with the message itself, so that no crash makes it twice or never.
 * Whoever was not meant, and whoever is gone, is left as they are.
 */
export function decideRun({ subject }: Loaded, run: CampaignRun): Turn<{ outcome: RunOutcome; sends: boolean }> {
  const { appId, campaign, runAt, services, now } = run
  if (subject === null || subject.blocked) return { answer: { outcome: 'notSent', sends: false } }
  if (hadRun(subject, campaign.id, runAt)) return { answer: { outcome: 'before', sends: false } }
  const draft = new Draft(subject)
  const outcome = decideCampaign(draft, campaign, { appId, services, deviceId: null, at: now, now })
  // Of somebody who gets nothing it may be written down that a sticky message is meant for them.
  if (outcome === 'notSent' && !draft.isChanged) return { answer: { outcome, sends: false } }
  if (outcome !== 'notSent') draft.edit().campaigns = { ...subject.campaigns, [campaign.id]: runAt }
  const deliveries = sendingsOf(draft, { appId, services, now, deviceId: null })
  return {
    answer: { outcome, sends: deliveries.length > 0 },
    subject: { profile: draft.profile, wakeAt: nextDeadline(draft.profile, services.rules), entries: draft.entries },
    deliveries,
  }
}
