import type { EpochMs } from '@damson/core'
import { type MessageChannel, toWellFormed } from '@damson/core/protocol'
import type { Session } from '@damson/core/session'
import type { NewDelivery } from '../../store/store.ts'
import type { Entry, Params } from '../entries.ts'
import type { Profile } from '../profile.ts'
import { type KnownMessage, messageEvent } from './message-events.ts'
import { type Occasion, occasionOf } from './occasions.ts'
import { type Compiled, HOOKS, type HookRule, type HookTrigger, POSTBACKS, type PostbackRule } from './rules.ts'
import type { Template, TemplateValues } from './template.ts'

export interface PostbackSetting {
  readonly appId: string
  readonly postbacks: readonly Compiled<PostbackRule>[]
  readonly hooks: readonly Compiled<HookRule>[]
  /** When they may be sent: at once. */
  readonly now: EpochMs
  /** The device of the request, where the history does not tell. */
  readonly deviceId: string | null
  newId(): string
  /** `null`: we know nothing of this message. */
  message?(messageId: number): KnownMessage | null
}

/** What a delivery holds: everything but the signature, which is made when it is sent. */
export interface Outgoing {
  /** Of the rule. */
  readonly rule: number
  readonly url: string
  readonly body: string
}

/** What is to be sent because of these lines of a profile's history, in their order. Pure but for the ids. */
export function postbacksOf(entries: readonly Entry[], profile: Profile, setting: PostbackSetting): NewDelivery[] {
  const { postbacks, hooks, now: dueAt, newId } = setting
  if (postbacks.length === 0 && hooks.length === 0) return []
  return entries.flatMap((entry) => {
    const occasion = occasionOf(entry)
    if (occasion === null) return []
    const about = aboutOf(entry, profile, setting)
    const send = (kind: string, { id: rule }: { readonly id: number }, { url, type, data }: Message): NewDelivery => {
      const { userId, deviceId, at } = about
      const timestamp = new Date(at).toISOString()
      const body = JSON.stringify({ type, timestamp, data: { appId: setting.appId, userId, deviceId, ...data } })
      return { id: newId(), kind, dueAt, data: JSON.stringify({ rule, url, body } satisfies Outgoing) }
    }
    return [
      ...postbacks.flatMap((rule) => {
        const message = postback(rule, occasion, about, setting)
        return message === null ? [] : [send(POSTBACKS.name, rule, message)]
      }),
      ...hooks.flatMap((rule) => {
        const message = hook(rule, occasion, about)
        return message === null ? [] : [send(HOOKS.name, rule, message)]
      }),
    ]
  })
}

/** A URL that is filled in, and the same for those who read bodies. */
interface Message {
  readonly url: string
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

interface About {
  readonly userId: string
  readonly deviceId: string | null
  readonly at: EpochMs
}

function postback(
  { type, channels, template }: Compiled<PostbackRule>,
  occasion: Occasion,
  about: About,
  { message }: PostbackSetting,
): Message | null {
  if (occasion.type === 'abTest') {
    if (type !== 'abTestEvents') return null
    const { testId, variantId } = occasion
    const values = { 'AB test ID': String(testId), 'Variant ID': String(variantId) }
    return { url: filled(template, about, values), type: 'ab_test.entered', data: { testId, variantId } }
  }
  if (occasion.type !== 'message' || type !== 'messageEvents') return null
  const { messageId, params } = occasion
  const known = message?.(messageId) ?? null
  const found = messageEvent(occasion.event, known, channels)
  if (!found.channels.some((channel) => channels.includes(channel))) return null
  const channel: MessageChannel | '' = found.channels.length === 1 ? (found.channels[0] ?? '') : ''
  const templateName = channel === 'In-app Message' ? (known?.template ?? '') : ''
  const values = {
    'Message ID': String(messageId),
    'Message event': found.event,
    'Message channel': channel,
    'Template name': templateName,
    Parameters: parametersText(params),
  }
  const data = { messageId, event: found.event, channel, templateName, parameters: params }
  return { url: filled(template, about, values), type: 'message.event', data }
}

function hook({ on, events, template }: Compiled<HookRule>, occasion: Occasion, about: About): Message | null {
  const { type, ...data } = occasion
  const trigger = TRIGGERS[type]
  if (trigger === undefined || !on.includes(trigger)) return null
  if (occasion.type === 'event' && events.length > 0 && !events.includes(occasion.name)) return null
  const values = occasion.type === 'event' ? { Parameters: parametersText(occasion.params) } : {}
  return { url: filled(template, about, values), type: trigger, data }
}

const TRIGGERS: Readonly<Partial<Record<Occasion['type'], HookTrigger>>> = {
  event: 'event.tracked',
  sessionStarted: 'session.started',
  sessionEnded: 'session.ended',
}

function filled(template: Template, { userId, deviceId, at }: About, values: TemplateValues): string {
  return template.render({ 'User ID': userId, 'Device ID': deviceId ?? '', 'Trigger time': String(at), ...values })
}

/** JSON whose texts are percent-encoded; the whole is encoded once more where it stands (specification 8.9). */
function parametersText(params: Params): string {
  const encoded = Object.entries(params).map(([name, value]) => {
    return [name, typeof value === 'string' ? encodeURIComponent(toWellFormed(value)) : value]
  })
  return JSON.stringify(Object.fromEntries(encoded))
}

function aboutOf(entry: Entry, profile: Profile, { deviceId }: PostbackSetting): About {
  const record = 'record' in entry ? entry.record : null
  return { userId: profile.userId, deviceId: deviceOf(profile, record) ?? deviceId, at: entry.at }
}

/** The device whose session or offline record it is. */
function deviceOf({ sessions }: Profile, record: string | null): string | null {
  for (const [lane, session] of Object.entries(sessions))
    if (lane !== '' && record !== null && holds(session, record)) return lane
  return null
}

function holds(session: Session, record: string): boolean {
  const run = session.phase === 'closed' ? session.lapsed?.run : session.run
  if (run?.id === record || session.offline?.id === record) return true
  return session.past.some(({ id }) => id === record)
}
