import type { Clock, EpochMs } from '@damson/core'
import type { Campaign } from '../content/campaigns.ts'
import type { ProfileRef, Store } from '../store/store.ts'
import { decideRun, type RunOutcome } from './campaigns.ts'
import { Draft } from './draft.ts'
import {
  finalKeysOf,
  keyOf,
  type Leaving,
  type MessageOutcome,
  outcomeTurn,
  type Reaction,
  reactionOutcome,
  refsOf,
  type Review,
  reviewTurn,
  unsubscription,
} from './messages/outcome.ts'
import type { Outgoing } from './messages/outgoing.ts'
import type { Services } from './scene.ts'
import { sendingsOf } from './sendings.ts'
import { nextDeadline, settle as settleDraft } from './story.ts'

/** Turns that nobody asked for with a request: timers, campaigns, and what becomes of messages. */
export interface OwnTurns {
  /** Ends what is overdue for one profile: what the sweeper does, sooner than the next action would. */
  settle(ref: ProfileRef, now: EpochMs): Promise<void>
  /** Gives one user what a run of a campaign has for them, once. */
  sendCampaign(appId: string, userId: string, campaign: Campaign, runAt: EpochMs): Promise<RunOutcome>
  /** What is to become of a message that was tried before; a message of somebody who is not there any more is `gone`. */
  reviewMessage(appId: string, id: string, outgoing: Outgoing): Promise<Review>
  /** Records what became of a message, once, if there is still somebody to record it for. */
  recordOutcome(appId: string, outcome: MessageOutcome): Promise<void>
  /** Takes somebody out of a category, or out of all mail, and records that this message made them leave. */
  unsubscribe(leaving: Leaving): Promise<void>
  /** Records that somebody opened a mail, or followed a link in it. */
  react(reaction: Reaction): Promise<void>
}

export interface OwnTurnsOptions {
  readonly store: Pick<Store, 'transact'>
  readonly clock: Clock
  readonly services: Services
  /** There is something new to be sent out. */
  onDeliveries(): void
  /** Resolves when apps and their documents are known. */
  prepare(): Promise<void>
}

export function createOwnTurns({ store, clock, services, onDeliveries, prepare }: OwnTurnsOptions): OwnTurns {
  async function settle(ref: ProfileRef, now: EpochMs): Promise<void> {
    const { rules } = services
    const sends = await store.transact(ref, ({ subject }) => {
      if (subject === null) return { answer: false }
      const draft = new Draft(subject)
      settleDraft(draft, now, rules)
      const deliveries = sendingsOf(draft, { appId: ref.appId, services, now, deviceId: null })
      const wakeAt = nextDeadline(draft.profile, rules)
      const change = { profile: draft.profile, wakeAt, entries: draft.entries }
      return { answer: deliveries.length > 0, subject: change, deliveries }
    })
    if (sends) onDeliveries()
  }

  async function sendCampaign(appId: string, userId: string, campaign: Campaign, runAt: EpochMs): Promise<RunOutcome> {
    const ref = { appId, userId, deviceId: null, needsSeen: false }
    const run = { appId, campaign, runAt, services, now: clock.now() }
    const { outcome, sends } = await store.transact(ref, (loaded) => decideRun(loaded, run))
    if (sends) onDeliveries()
    return outcome
  }

  async function reviewMessage(appId: string, id: string, outgoing: Outgoing): Promise<Review> {
    for (const ref of refsOf(appId, outgoing, finalKeysOf(id))) {
      const review = await store.transact(ref, (loaded) => reviewTurn(loaded, id, outgoing))
      if (review !== null) return review
    }
    return 'gone'
  }

  async function recordOutcome(appId: string, outcome: MessageOutcome): Promise<void> {
    await prepare()
    const setting = { appId, services, now: clock.now() }
    for (const ref of refsOf(appId, outcome.outgoing, [keyOf(outcome)])) {
      const recorded = await store.transact(ref, (loaded) => outcomeTurn(loaded, outcome, setting))
      if (recorded?.sends) onDeliveries()
      if (recorded !== null) return
    }
  }

  return {
    settle,
    sendCampaign,
    reviewMessage,
    recordOutcome,
    unsubscribe: (leaving) => recordOutcome(leaving.appId, unsubscription(leaving)),
    react: (reaction) => recordOutcome(reaction.appId, reactionOutcome(reaction, clock.now())),
  }
}
