import { type ArgsOf, done, failed, MAX_NOTIFICATION_CHANNELS, type Outcome } from '@damson/core/protocol'
import type { DocumentChange, DocumentSet } from '../store/store.ts'
import type { CatalogKind } from './catalog.ts'

/** An Android notification channel, as it was added; what was not said of it is not there. */
export type NotificationChannel = Omit<ArgsOf<'addAndroidNotificationChannel'>, 'default'>

export interface NotificationChannels {
  /** In the order of their ids. */
  readonly list: readonly NotificationChannel[]
  /** Whose notifications name none; `null` if there is no channel. */
  readonly defaultId: string | null
}

/** As a channel is kept. */
interface Kept {
  readonly channel: NotificationChannel
  readonly isDefault: boolean
}

/** One document for each channel, under its id. */
export const CHANNELS: CatalogKind<NotificationChannels> = {
  name: 'androidChannel',
  compile(documents) {
    const kept = keptOf(documents)
    const list = kept.map(({ channel }) => channel).toSorted((one, other) => (one.id < other.id ? -1 : 1))
    return { list, defaultId: kept.find(({ isDefault }) => isDefault)?.channel.id ?? null }
  },
}

/**
 * Adds a channel, or changes name and description of one that is there: the rest is the user's to change, and Android lets
 * nobody else (specification 8.12). The first one becomes the default; another one only when it says so.
 */
export function withChannel(
  args: ArgsOf<'addAndroidNotificationChannel'>,
  { documents }: DocumentSet,
): DocumentChange<Outcome> {
  const invalid = invalidArgument(args)
  if (invalid !== null) return { answer: failed('INVALID_ARGUMENT', { name: invalid }) }
  const { default: wantsDefault = false, ...given } = args
  const known = documents.get(given.id) as Kept | undefined
  if (known === undefined && documents.size >= MAX_NOTIFICATION_CHANNELS) return { answer: failed('TOO_MANY_CHANNELS') }
  const channel: NotificationChannel = known === undefined ? given : { ...known.channel, ...renamed(given) }
  const isDefault = wantsDefault || (known === undefined ? documents.size === 0 : known.isDefault)
  const { id, name, importance } = channel
  return {
    answer: done({
      ...(known === undefined ? { channelCreated: true } : { channelUpdated: true }),
      channelId: id,
      name,
      importance,
    }),
    put: { ...(isDefault && withoutDefault(documents, id)), [id]: { channel, isDefault } satisfies Kept },
  }
}

/** Removes a channel; the default one only when it is the last (specification 8.12). */
export function withoutChannel(id: string, { documents }: DocumentSet): DocumentChange<Outcome> {
  const known = documents.get(id) as Kept | undefined
  if (known === undefined) return { answer: failed('CHANNEL_NOT_FOUND') }
  if (known.isDefault && documents.size > 1) return { answer: failed('DEFAULT_CHANNEL') }
  return { answer: done({ channelDeleted: true, channelId: id }), put: { [id]: null } }
}

/** As `getAndroidNotificationChannels` tells them. */
export function toldChannels({ list, defaultId }: NotificationChannels): readonly object[] {
  return list.map((channel) => ({ ...channel, default: channel.id === defaultId }))
}

/**
 * As `start` tells them to SDKs, which know most fields by other names than the API. Nothing if there is none.
 * @source observed: the Android SDK
 */
export function startChannels({ list, defaultId }: NotificationChannels): Readonly<Record<string, unknown>> {
  if (defaultId === null) return {}
  return { notificationChannels: list.map(asSdksReadIt), defaultNotificationChannel: defaultId }
}

const SDK_NAMES: Readonly<Record<string, string>> = {
  enableLights: 'enable_lights',
  lightColor: 'light_color',
  enableVibration: 'enable_vibration',
  vibrationPattern: 'vibration_pattern',
  lockscreenVisibility: 'lockscreen_visibility',
  bypassDnd: 'bypass_dnd',
  showBadge: 'show_badge',
}

function asSdksReadIt(channel: NotificationChannel): object {
  return Object.fromEntries(Object.entries(channel).map(([name, value]) => [SDK_NAMES[name] ?? name, value]))
}

function renamed({ name, description }: NotificationChannel): Partial<NotificationChannel> {
  return { name, ...(description !== undefined && { description }) }
}

function withoutDefault(documents: DocumentSet['documents'], id: string): Record<string, Kept> {
  const others = keptOf(documents).filter(({ channel, isDefault }) => isDefault && channel.id !== id)
  return Object.fromEntries(others.map(({ channel }) => [channel.id, { channel, isDefault: false }]))
}

/** Every document of this kind is a channel. */
function keptOf(documents: DocumentSet['documents']): readonly Kept[] {
  return [...documents.values()] as readonly Kept[]
}

/** Longer ones Android cuts off, or a document store refuses. */
const TEXT_LENGTH_MAX = 300
const PATTERN_STEPS_MAX = 100

/** The name of an argument that Android would not take. */
function invalidArgument(args: ArgsOf<'addAndroidNotificationChannel'>): string | null {
  const { importance, lockscreenVisibility = 1, vibrationPattern = [] } = args
  if (importance < 0 || importance > 5) return 'importance'
  if (lockscreenVisibility < -1 || lockscreenVisibility > 1) return 'lockscreenVisibility'
  if (vibrationPattern.length > PATTERN_STEPS_MAX || vibrationPattern.some((step) => step < 0))
    return 'vibrationPattern'
  const texts = ['id', 'name', 'description', 'groupId', 'sound'] as const
  return texts.find((name) => (args[name] ?? '').length > TEXT_LENGTH_MAX) ?? null
}
