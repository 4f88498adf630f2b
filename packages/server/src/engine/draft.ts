import type { EpochMs } from '@damson/core'
import type { NewDelivery } from '../store/store.ts'
import type { Entry } from './entries.ts'
import type { AttributeValue, Device, Profile, Tally } from './profile.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * A profile while one turn works on it. The profile it began with is never changed: the first write copies it, the first
 * write to one of its maps copies that map, so ten events of a batch copy the map of events once.
 */
export class Draft {
  readonly entries: Entry[] = []
  /** To be sent out because of this turn, besides what the history causes. */
  readonly deliveries: NewDelivery[] = []
  #profile: Profile
  #own: Mutable<Profile> | null = null
  #ownEvents: Record<string, Tally> | null = null
  #ownStates: Record<string, Tally> | null = null
  #ownAttributes: Record<string, AttributeValue> | null = null
  #ownDevices: Record<string, Device> | null = null

  constructor(profile: Profile) {
    this.#profile = profile
  }

  /** As it stands now. Read it afresh after each write. */
  get profile(): Profile {
    return this.#profile
  }

  get isChanged(): boolean {
    return this.#own !== null || this.entries.length > 0
  }

  /** The copy this turn may write to. */
  edit(): Mutable<Profile> {
    if (this.#own === null) this.#profile = this.#own = copyOf(this.#profile)
    return this.#own
  }

  events(): Record<string, Tally> {
    this.#ownEvents ??= this.edit().events = { ...this.#profile.events }
    return this.#ownEvents
  }

  states(): Record<string, Tally> {
    this.#ownStates ??= this.edit().states = { ...this.#profile.states }
    return this.#ownStates
  }

  attributes(): Record<string, AttributeValue> {
    this.#ownAttributes ??= this.edit().attributes = { ...this.#profile.attributes }
    return this.#ownAttributes
  }

  devices(): Record<string, Device> {
    this.#ownDevices ??= this.edit().devices = { ...this.#profile.devices }
    return this.#ownDevices
  }

  /** Puts another value in its place, as merging does. */
  replace(profile: Profile): void {
    this.#profile = this.#own = copyOf(profile)
    this.#ownEvents = this.#ownStates = this.#ownAttributes = this.#ownDevices = null
  }
}

export function emptyProfile(userId: string, createdAt: EpochMs): Profile {
  return {
    userId,
    createdAt,
    lastActiveAt: null,
    totalSessions: 0,
    timeInAppMs: 0,
    eventCount: 0,
    stateCount: 0,
    attributes: {},
    events: {},
    states: {},
    devices: {},
    sessions: {},
    place: {},
    unsubscribedCategories: [],
    unsubscribedChannels: [],
    trafficSource: null,
    variants: {},
    inbox: {},
    inboxCount: 0,
    isDeveloper: false,
    anomalous: false,
    blocked: false,
  }
}

type OptionalKeys<T> = { [K in keyof T]-?: object extends Pick<T, K> ? K : never }[keyof T]

/** Fields that most profiles have not got at all. A new one has to be named here, in `copyOf` and in `profileText`. */
export const RARE_FIELDS: Readonly<Record<OptionalKeys<Profile>, true>> = {
  messages: true,
  targeted: true,
  campaigns: true,
  unknown: true,
}

/**
 * Field by field: each event copies its profile, and profiles that were read, made or merged have so many shapes that V8 gives up on
 * spreading them, which then takes ten times as long.
 */
function copyOf(profile: Profile): Mutable<Profile> {
  const copy: Mutable<Profile> = {
    userId: profile.userId,
    createdAt: profile.createdAt,
    lastActiveAt: profile.lastActiveAt,
    totalSessions: profile.totalSessions,
    timeInAppMs: profile.timeInAppMs,
    eventCount: profile.eventCount,
    stateCount: profile.stateCount,
    attributes: profile.attributes,
    events: profile.events,
    states: profile.states,
    devices: profile.devices,
    sessions: profile.sessions,
    place: profile.place,
    unsubscribedCategories: profile.unsubscribedCategories,
    unsubscribedChannels: profile.unsubscribedChannels,
    trafficSource: profile.trafficSource,
    variants: profile.variants,
    inbox: profile.inbox,
    inboxCount: profile.inboxCount,
    isDeveloper: profile.isDeveloper,
    anomalous: profile.anomalous,
    blocked: profile.blocked,
  }
  if (profile.messages !== undefined) copy.messages = profile.messages
  if (profile.targeted !== undefined) copy.targeted = profile.targeted
  if (profile.campaigns !== undefined) copy.campaigns = profile.campaigns
  if (profile.unknown !== undefined) copy.unknown = profile.unknown
  return copy
}

/** Whether nobody has logged in: the profile is kept under one of its own devices (specification 4.2). */
export function isAnonymous(profile: Profile): boolean {
  return Object.hasOwn(profile.devices, profile.userId)
}

/** One more occurrence at `at`; `value` is added if there is one. */
export function tallied(tally: Tally | undefined, at: EpochMs, value?: number): Tally {
  if (tally === undefined)
    return value === undefined ? { count: 1, firstAt: at, lastAt: at } : { count: 1, value, firstAt: at, lastAt: at }
  const firstAt = Math.min(tally.firstAt, at)
  const lastAt = Math.max(tally.lastAt, at)
  const sum = value === undefined ? tally.value : (tally.value ?? 0) + value
  return sum === undefined
    ? { count: tally.count + 1, firstAt, lastAt }
    : { count: tally.count + 1, value: sum, firstAt, lastAt }
}
