import type { EpochMs } from '@damson/core'
import type { Matches } from '../audience/index.ts'
import { isoInstant } from '../audience/literals.ts'
import { seedOf } from '../assign.ts'
import type { Target } from '../leaves.ts'
import { type Content, compileMessageContent } from './content.ts'
import { type InAppMessage, inAppMessage } from './in-app.ts'
import { type Limits, limitsOf } from './limits.ts'
import {
  type CapSource,
  type CategorySource,
  CHANNELS,
  type Channel,
  type ContentByChannel,
  type KeptMessage,
} from './source.ts'
import { fits, type Happening, keysOf, triggerKey } from './triggers.ts'

/** What one variant of an A/B test, or nobody's, makes of a message. */
export interface Version {
  readonly content: Content
  /** Of an in-app message: as SDKs take it. */
  readonly inApp: InAppMessage | null
}

export interface Message {
  readonly id: number
  readonly source: KeptMessage
  readonly channel: Channel
  readonly matches: Matches
  readonly limits: Limits
  /** 0 to 1: of its users, how many never get it. */
  readonly heldBack: number
  readonly seed: number
  readonly startAt: EpochMs
  readonly endAt: EpochMs
  readonly version: Version
  /** By variants that change it. */
  readonly versions: ReadonlyMap<number, Version>
  /** The tests of those variants. */
  readonly testIds: readonly number[]
}

/** The messages of an app, laid out so that what sets none off costs nothing. */
export interface Messages {
  readonly byId: ReadonlyMap<number, Message>
  /** Active ones that apps show, the most important first. */
  readonly inApp: readonly Message[]
  /** Active ones, of all channels, that stay with whoever was in their audience once. */
  readonly sticky: readonly Message[]
  /** What sets off active ones that the server sends; `null` if nothing does. */
  readonly triggers: Triggers | null
  readonly categories: readonly (CategorySource & { readonly id: number })[]
  readonly caps: ReadonlyMap<Channel, Limits>
  /** `localCaps` of `start`; `null` if there are none. */
  readonly localCaps: readonly LocalCap[] | null
}

export interface Triggers {
  /** By the key of what happens, the most important first. */
  readonly byKey: ReadonlyMap<string, readonly Message[]>
  /** The attributes whose changes are waited for. */
  readonly attributes: readonly string[]
}

export interface LocalCap {
  readonly channel: 'IN_APP'
  readonly type: 'SESSION' | 'DAY' | 'WEEK'
  readonly limit: number
}

/** What a variant says of messages: parts of their content, by their ids. */
export interface VariantMessages {
  readonly variantId: number
  readonly testId: number
  readonly messages: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** @source documented: specification 8.1 */
const DEFAULT_PRIORITY = 1000

export function compileMessages(
  sources: Readonly<Record<string, KeptMessage>>,
  categories: Readonly<Record<string, CategorySource>>,
  caps: Readonly<Record<string, CapSource>>,
  variants: readonly VariantMessages[],
  target: Target,
): Messages {
  const all = Object.entries(sources)
    .map(([id, source]) => compileMessage(id, source, variants, target))
    .sort((one, other) => priorityOf(one) - priorityOf(other) || one.id - other.id)
  const active = all.filter(({ source }) => source.state === 'active')
  return {
    byId: new Map(all.map((message) => [message.id, message])),
    inApp: active.filter(({ channel }) => channel === 'inApp'),
    sticky: active.filter(({ source }) => source.sticky === true),
    triggers: triggersOf(active.filter(({ channel }) => channel !== 'inApp')),
    categories: Object.entries(categories).map(([id, category]) => ({ id: Number(id), ...category })),
    caps: new Map(CHANNELS.flatMap((channel) => (caps[channel] ? [[channel, limitsOf(caps[channel])] as const] : []))),
    localCaps: caps['inApp'] === undefined ? null : localCapsOf(caps['inApp']),
  }
}

function compileMessage(
  text: string,
  source: KeptMessage,
  variants: readonly VariantMessages[],
  target: Target,
): Message {
  const id = Number(text)
  const changing = variants.filter(({ messages }) => Object.hasOwn(messages, text))
  return {
    id,
    source,
    channel: source.channel,
    matches: target(source),
    limits: limitsOf(source.limits),
    heldBack: (source.holdback ?? 0) / 100,
    seed: seedOf(`message ${text}`),
    startAt: isoInstant(source.start ?? '') ?? -Infinity,
    endAt: isoInstant(source.end ?? '') ?? Infinity,
    version: versionOf(source, source.content),
    versions: new Map(
      changing.map(({ variantId, messages }) => [
        variantId,
        versionOf(source, { ...source.content, ...messages[text] }),
      ]),
    ),
    testIds: [...new Set(changing.map(({ testId }) => testId))],
  }
}

function versionOf(source: KeptMessage, content: KeptMessage['content']): Version {
  // Checked when it was applied.
  const compiled = compileMessageContent(source.channel, content as ContentByChannel[Channel])
  return {
    content: compiled,
    inApp: source.channel === 'inApp' ? inAppMessage(source, compiled as Content<'inApp'>) : null,
  }
}

function priorityOf({ source }: Message): number {
  return source.priority ?? DEFAULT_PRIORITY
}

function triggersOf(messages: readonly Message[]): Triggers | null {
  const byKey = new Map<string, Message[]>()
  for (const message of messages) {
    for (const key of new Set((message.source.when ?? []).map(triggerKey))) {
      const others = byKey.get(key)
      if (others === undefined) byKey.set(key, [message])
      else others.push(message)
    }
  }
  if (byKey.size === 0) return null
  const attributes = messages.flatMap(({ source: { when = [] } }) =>
    when.flatMap((one) => ('attribute' in one ? [one.attribute] : [])),
  )
  return { byKey, attributes: [...new Set(attributes)] }
}

/** The messages that something sets off, the most important first; each once. */
export function triggeredBy({ byKey }: Triggers, happening: Happening): readonly Message[] {
  const found = keysOf(happening).flatMap((key) => byKey.get(key) ?? [])
  if (found.length === 0) return found
  const fitting = [...new Set(found)].filter(
    ({ source: { when = [], unless = [] } }) =>
      when.some((one) => fits(one, happening)) && !unless.some((one) => fits(one, happening)),
  )
  return fitting.sort((one, other) => priorityOf(one) - priorityOf(other) || one.id - other.id)
}

function localCapsOf({ session, day, week }: CapSource): readonly LocalCap[] {
  const cap = (type: LocalCap['type'], limit: number | undefined): readonly LocalCap[] =>
    limit === undefined ? [] : [{ channel: 'IN_APP', type, limit }]
  return [...cap('SESSION', session), ...cap('DAY', day), ...cap('WEEK', week)]
}
