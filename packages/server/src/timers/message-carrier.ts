import type { Clock, EpochMs } from '@damson/core'
import type { RunningEngine } from '../engine/engine.ts'
import { MESSAGE_DELIVERY, type Outgoing } from '../engine/messages/outgoing.ts'
import type { Logger } from '../logger.ts'
import { retryAt, triesMax } from '../senders/retries.ts'
import type { MailLinks } from '../services/mail-links.ts'
import { type OutboxSender, outcomeOfError, type SendContext, type SendOutcome } from '../senders/sender.ts'
import type { Senders } from '../senders/senders.ts'
import type { Delivery, Settlement } from '../store/deliveries.ts'
import type { Attempted } from './attempt.ts'
import type { Carrier, Trip } from './dispatcher.ts'

export interface MessageCarrierOptions {
  readonly senders: Senders
  readonly engine: Pick<RunningEngine, 'reviewMessage' | 'recordOutcome'>
  /** The addresses of ours that stand in a mail; without it, there are none: nobody knows our own. */
  readonly addressesOf?: MailLinks['addressesOf']
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Carries messages to people. What became of each is recorded on the profile, as an event that causes postbacks, before the
 * delivery is settled; recorded once, although a process that dies in between leaves the message to be sent once more.
 */
export function messageCarrier(options: MessageCarrierOptions): Carrier {
  const { senders, engine, addressesOf, clock, logger } = options

  async function prepare(delivery: Delivery): Promise<Settlement | Trip> {
    const { id, appId, attempt, data, note } = delivery
    const outgoing = JSON.parse(data) as Outgoing
    const { channel } = outgoing.part
    const drop = (reason: string) => dropped(delivery, outgoing, reason)
    if (attempt > triesMax(channel)) return drop(note ?? 'the process ended during the last try')
    if (attempt > 1) {
      const review = await engine.reviewMessage(appId, id, outgoing)
      if (review === 'unsubscribed') return drop('unsubscribed')
      if (review !== 'send') return { type: 'done' }
    }
    const sender = senders.of(appId, channel)
    if (sender === null) return drop(`${channel} is not set up`)
    const lane = sender.laneOf(outgoing.part)
    if (lane === null) return drop('no address')
    return {
      lane: `${appId} ${lane}`,
      ...(sender.width !== undefined && { width: sender.width }),
      go: (at, signal, alone) => go(delivery, outgoing, sender, at, { signal, alone }),
    }
  }

  async function go(
    delivery: Delivery,
    outgoing: Outgoing,
    sender: OutboxSender,
    at: EpochMs,
    { signal, alone }: Pick<SendContext, 'signal' | 'alone'>,
  ): Promise<Attempted> {
    const { id, appId, attempt } = delivery
    const addresses = addressesOf?.(appId, id, outgoing) ?? null
    const outcome = await sender
      .send(outgoing.part, { id, at, signal, alone, addresses })
      .catch((error: unknown) => failure(error, delivery))
    // The server stops: nobody knows whether it was taken, so it is sent again as soon as there is a server.
    if (outcome.type === 'later' && signal.aborted)
      return { isUp: true, settlement: { type: 'again', dueAt: at, note: 'cut off because the server stopped' } }
    switch (outcome.type) {
      case 'sent':
        return { isUp: true, settlement: { type: 'done' } }
      case 'delivered':
        return { isUp: true, settlement: { type: 'done' }, record: () => record(delivery, outgoing, 'Delivered') }
      case 'bounced':
      case 'refusedToken': {
        const { reason, type } = outcome
        const tell = () => record(delivery, outgoing, 'Bounce', reason, type === 'refusedToken')
        return { isUp: true, settlement: { type: 'done' }, record: tell }
      }
      case 'dropped': {
        const { reason } = outcome
        return { isUp: true, settlement: failed(reason), record: () => record(delivery, outgoing, 'Dropped', reason) }
      }
      case 'later': {
        const { reason, isUp, retryAfterMs } = outcome
        const dueAt = retryAt(outgoing.part.channel, attempt, at, retryAfterMs)
        if (dueAt === null)
          return { isUp, settlement: failed(reason), record: () => record(delivery, outgoing, 'Dropped', reason) }
        const settlement: Settlement = { type: 'again', dueAt, note: reason }
        return { isUp, settlement, record: () => record(delivery, outgoing, 'Deferred', reason) }
      }
    }
  }

  /** What no sender should throw is ours to mend; what the world did is the message's fate. */
  function failure(error: unknown, { id, appId }: Delivery): SendOutcome {
    const outcome = outcomeOfError(error)
    logger.debug({ err: error, appId, id, outcome: outcome.type }, 'a message was not sent')
    return outcome
  }

  async function dropped(delivery: Delivery, outgoing: Outgoing, reason: string): Promise<Settlement> {
    await record(delivery, outgoing, 'Dropped', reason)
    return failed(reason)
  }

  function failed(note: string): Settlement {
    return { type: 'failed', at: clock.now(), note }
  }

  function record(
    { id, appId }: Delivery,
    outgoing: Outgoing,
    event: string,
    reason?: string,
    removesToken = false,
  ): Promise<void> {
    const params = reason === undefined ? {} : { reason }
    return engine.recordOutcome(appId, { id, outgoing, event, params, removesToken })
  }

  return { kinds: [MESSAGE_DELIVERY], prepare }
}
