import type { EpochMs } from '@damson/core'
import type { Message, Version } from '../../content/messages/compile.ts'
import { isHeldBack, versionFor } from '../../content/messages/in-app.ts'
import { allows, countsTriggers, type Limits, NO_LIMITS, occurred, triggered } from '../../content/messages/limits.ts'
import type { Channel, ContentByChannel } from '../../content/messages/source.ts'
import { TemplateError } from '../../content/messages/template.ts'
import { isWithin } from '../../content/messages/term.ts'
import type { Happening } from '../../content/messages/triggers.ts'
import { templateValues } from '../../content/messages/values.ts'
import { enteredIn } from '../../content/decide.ts'
import { contentKind } from '../../content/snapshot.ts'
import { variantsFor } from '../../content/tests.ts'
import type { Draft } from '../draft.ts'
import { enterTests } from '../enter.ts'
import { deliverToInbox, type NewInboxItem } from '../inbox.ts'
import { recordMessageEvent } from '../occurrence.ts'
import type { Occurrences, Profile } from '../profile.ts'
import type { Services } from '../scene.ts'
import { MESSAGE_DELIVERY, type Outgoing } from './outgoing.ts'
import { inboxItem } from './inbox-item.ts'
import { type Addressed, partsOf } from './parts.ts'
import { isTargeted } from './targeted.ts'

/** Where and when a message is decided for one user. */
export interface MessageScene {
  readonly appId: string
  readonly services: Pick<Services, 'ids' | 'rules' | 'catalog' | 'token'>
  /** On which its cause happened; `null`: nobody knows. */
  readonly deviceId: string | null
  /** When its cause happened, by our clock. */
  readonly at: EpochMs
  readonly now: EpochMs
}

export interface SendOptions {
  /** Whoever the message is for, this user gets it. Unsubscriptions and the control group hold all the same. */
  readonly force?: boolean
  /** Over the values of the message itself. */
  readonly values?: Readonly<Record<string, unknown>>
  /** Push goes to this device alone; without one, to all of the user. */
  readonly toDevice?: string | null
  /** The campaign that sends it. */
  readonly campaignId?: number
  /** What set it off: then its limits and the caps of its channel hold. `record`: the session it happened in. */
  readonly cause?: { readonly happening: Happening; readonly record: string }
}

/** What became of it. `notSent` says why. */
export type Decided =
  | { readonly as: 'sent'; readonly sent: number }
  | { readonly as: 'heldBack' }
  | { readonly as: 'dropped'; readonly reason: string }
  | {
      readonly as: 'notSent'
      readonly why: 'inactive' | 'inApp' | 'audience' | 'unsubscribed' | 'limits' | 'nowhere'
    }

/**
 * Decides whether one user gets one message now, and does all of it but the sending: records `.m<ID>` (or `Held Back`, or
 * `Dropped` when it cannot be filled in), counts it for its limits, enters the A/B tests that change it, and puts
 * what is to be sent with the draft, to be committed with its cause. Pure but for ids.
 */
export function decideMessage(draft: Draft, message: Message, scene: MessageScene, options: SendOptions = {}): Decided {
  const { channel, source } = message
  const { now } = scene
  if (channel === 'inApp') return { as: 'notSent', why: 'inApp' }
  if (source.state !== 'active' || !isWithin(message, now)) return { as: 'notSent', why: 'inactive' }
  if (!isTargeted(draft, message, now) && options.force !== true) return { as: 'notSent', why: 'audience' }
  if (isUnsubscribed(draft.profile, message)) return { as: 'notSent', why: 'unsubscribed' }
  if (options.cause !== undefined && !isAllowed(draft, message, scene, options.cause.record))
    return { as: 'notSent', why: 'limits' }

  if (isHeldBack(message, draft.profile.userId)) {
    finish(draft, message, scene, options, 'Held Back')
    return { as: 'heldBack' }
  }
  const version = versionOf(draft, message, scene)
  let filled: Filled
  try {
    filled = fill(draft.profile, message, version, scene, options)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    finish(draft, message, scene, options, 'Dropped', error.message)
    return { as: 'dropped', reason: error.message }
  }
  if (filled.item !== null) {
    finish(draft, message, scene, options, '')
    deliverToInbox(draft, filled.item, now)
    return { as: 'sent', sent: 1 }
  }
  const { parts } = filled
  if (parts.length === 0) return { as: 'notSent', why: 'nowhere' }
  finish(draft, message, scene, options, '')
  for (const { deviceId, part } of parts) {
    const outgoing: Outgoing = { messageId: message.id, userId: draft.profile.userId, deviceId, part }
    const data = JSON.stringify(outgoing)
    draft.deliveries.push({ id: `msg_${scene.services.token()}`, kind: MESSAGE_DELIVERY, dueAt: now, data })
  }
  return { as: 'sent', sent: parts.length }
}

/** A message for one user: something to be sent, or something for their inbox. */
interface Filled {
  readonly parts: readonly Addressed[]
  readonly item: NewInboxItem | null
}

/** As `setUserAttributes` names them. @source documented: specification 8.5 */
const UNSUBSCRIBE_CHANNELS: Readonly<Partial<Record<Channel, string>>> = {
  email: 'Email',
  push: 'Push Notification',
  webhook: 'Webhook',
  inbox: 'Newsfeed Message',
}

function isUnsubscribed({ unsubscribedChannels, unsubscribedCategories }: Profile, message: Message): boolean {
  const { category } = message.source
  if (unsubscribedChannels.includes(UNSUBSCRIBE_CHANNELS[message.channel] ?? '')) return true
  return category !== undefined && unsubscribedCategories.includes(category)
}

/** Counts the trigger, if the message counts them. */
function isAllowed(draft: Draft, message: Message, scene: MessageScene, record: string): boolean {
  const { limits } = message
  if (countsTriggers(limits)) remember(draft, message.id, triggered(known(draft, message.id)))
  if (!allows(limits, known(draft, message.id), record, scene.now)) return false
  const cap = capOf(message, scene)
  return cap === undefined || allows(cap, known(draft, message.channel), record, scene.now)
}

function capOf({ channel }: Message, { appId, services }: MessageScene): Limits | undefined {
  return services.catalog.of(appId, contentKind).messages.caps.get(channel)
}

/** Records it and counts it for its limits, and for the cap of its channel if the user gets it. */
function finish(
  draft: Draft,
  message: Message,
  scene: MessageScene,
  { cause }: SendOptions,
  event: string,
  info?: string,
): void {
  recordMessageEvent(draft, message.id, event, scene, info === undefined ? {} : { info })
  const { limits } = message
  const record = cause?.record ?? null
  if (limits !== NO_LIMITS) remember(draft, message.id, occurred(limits, known(draft, message.id), record, scene.now))
  const cap = event === '' ? capOf(message, scene) : undefined
  if (cap !== undefined)
    remember(draft, message.channel, occurred(cap, known(draft, message.channel), record, scene.now))
}

function known({ profile }: Draft, key: string | number): Occurrences | undefined {
  return profile.messages !== undefined && Object.hasOwn(profile.messages, key)
    ? profile.messages[key as string]
    : undefined
}

function remember(draft: Draft, key: string | number, occurrences: Occurrences): void {
  draft.edit().messages = { ...draft.profile.messages, [key]: occurrences }
}

/** The content that the user's variants give the message; entering the tests they are of. */
function versionOf(draft: Draft, message: Message, scene: MessageScene): Version {
  if (message.testIds.length === 0) return message.version
  const { appId, services, now } = scene
  const given = variantsFor(services.catalog.of(appId, contentKind), draft.profile, now)
  const concerned = given.filter(({ variant }) => message.testIds.includes(variant.testId))
  const entered = enteredIn(concerned, now)
  if (entered !== null) enterTests(draft, entered, scene)
  return versionFor(message, concerned)
}

function fill(
  profile: Profile,
  message: Message,
  version: Version,
  { now }: MessageScene,
  { values, cause, toDevice = null, campaignId }: SendOptions,
): Filled {
  const { channel, source, id } = message
  const happening = cause?.happening
  const hasName = happening?.type === 'event' || happening?.type === 'state'
  const occasion = {
    now,
    value: { ...source.values, ...values },
    ...(hasName && { parameter: happening.params, trigger: happening.name }),
  }
  const valuesFor = (device: string | null) => templateValues(profile, { ...occasion, deviceId: device })
  if (channel === 'inbox') {
    const content = version.content.render(valuesFor(toDevice)) as ContentByChannel['inbox']
    return { item: inboxItem(content, message, now, campaignId), parts: [] }
  }
  if (channel === 'inApp') throw new Error('Expected no in-app message here: apps show those.')
  const parts = partsOf(channel, version.content, { id, category: source.category }, profile, toDevice, valuesFor)
  return { item: null, parts }
}
