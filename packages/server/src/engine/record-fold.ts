import type { EpochMs } from '@damson/core'
import type { SessionRules } from '@damson/core/session'
import type { Entry, Snapshot } from './entries.ts'
import type { EventLine, SessionRecord, StateLine } from './record.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

interface OpenState extends Mutable<Omit<StateLine, 'events'>> {
  readonly events: EventLine[]
}

/** A record that may still change. It is told as one object that is kept, and not copied at the end: there is one for each session. */
interface OpenRecord {
  readonly told: Mutable<SessionRecord>
  readonly states: Map<string, OpenState>
  eventCount: number
  /** The id of its nameless state, once it is needed. */
  nameless: string | null
  /** The variants that were met for the first time in it, by test; `null`: none. */
  impressions: Map<number, number> | null
}

type EventEntry = Extract<Entry, { kind: 'event' }>
type StateEntry = Extract<Entry, { kind: 'stateEntered' }>

/**
 * Puts one profile's history together again: entries in the order they were written go in, records come out. Raw exports
 * and reports are made of these.
 */
export class RecordFold {
  readonly #rules: SessionRules
  readonly #records = new Map<string, OpenRecord>()
  #createdAt: EpochMs | null = null

  constructor(rules: SessionRules) {
    this.#rules = rules
  }

  /** When the profile was created, as far as its history says. */
  get createdAt(): EpochMs | null {
    return this.#createdAt
  }

  add(entry: Entry): void {
    switch (entry.kind) {
      case 'profileCreated':
        this.#createdAt = Math.min(this.#createdAt ?? Infinity, entry.at)
        return
      case 'sessionStarted':
      case 'offlineOpened':
        return this.#open(entry)
      case 'sessionDiscarded':
        this.#records.delete(entry.record)
        return
      case 'sessionPaused':
      case 'sessionResumed':
      case 'attributes':
      case 'trafficSource':
        return
      case 'variantEntered':
        return this.#impress(entry)
      default:
        this.#addTo(this.#records.get(entry.record), entry)
    }
  }

  /** In order of their beginning, then of their ids. */
  records(): readonly SessionRecord[] {
    const records = [...this.#records.values()].map((record) => closed(record))
    return records.sort((one, two) => one.startedAt - two.startedAt || (one.id < two.id ? -1 : 1))
  }

  #open(entry: Extract<Entry, { kind: 'sessionStarted' | 'offlineOpened' }>): void {
    const { record: id, deviceId, at, client, sdkVersion, prior } = entry
    if (entry.kind === 'sessionStarted') this.#endOffline(deviceId, at)
    const isSession = entry.kind === 'sessionStarted' && entry.counted
    this.#records.set(id, {
      told: {
        id,
        isSession,
        deviceId,
        startedAt: at,
        durationMs: 0,
        completeAt: entry.kind === 'sessionStarted' ? null : at + this.#rules.offlineRecordMs,
        states: [],
        ...(client !== undefined && { client }),
        ...(sdkVersion !== undefined && { sdkVersion }),
        ...(prior !== undefined && { prior }),
        ...(entry.kind === 'offlineOpened' && entry.snapshot !== undefined && { snapshot: entry.snapshot }),
      },
      states: new Map(),
      eventCount: 0,
      nameless: null,
      impressions: null,
    })
  }

  /** What happened outside of sessions is over when one starts on the same device (specification 6.7). */
  #endOffline(deviceId: string | null, at: EpochMs): void {
    for (const { told: record } of this.#records.values()) {
      const { completeAt } = record
      if (record.isSession || record.deviceId !== deviceId || completeAt === null) continue
      if (record.startedAt <= at && at < completeAt) record.completeAt = at
    }
  }

  #addTo(record: OpenRecord | undefined, entry: RecordEntry): void {
    // What belongs to a record that was discarded is gone with it.
    if (record === undefined) return
    const { told } = record
    switch (entry.kind) {
      case 'sessionCounted':
        told.isSession = true
        told.startedAt = entry.at
        told.prior = entry.prior
        return
      case 'sessionEnded':
        return end(told, entry, this.#rules)
      case 'sessionReopened':
        told.completeAt = null
        told.durationMs = 0
        return
      case 'sessionExtended':
        told.durationMs += entry.durationMs
        told.completeAt = Math.max(told.completeAt ?? entry.at, entry.at)
        return
      case 'stateEntered':
        enter(record, entry)
        return
      case 'stateLeft': {
        const state = record.states.get(entry.stateId)
        if (state !== undefined) state.durationMs = entry.durationMs
        return
      }
      case 'event':
        addEvent(record, entry)
    }
  }

  #impress({ record: id, testId, variantId }: Extract<Entry, { kind: 'variantEntered' }>): void {
    const record = id === null ? undefined : this.#records.get(id)
    if (record === undefined) return
    record.impressions ??= new Map()
    record.impressions.set(testId, variantId)
  }
}

type RecordEntry = Extract<
  Entry,
  {
    kind:
      'sessionCounted' | 'sessionEnded' | 'sessionReopened' | 'sessionExtended' | 'stateEntered' | 'stateLeft' | 'event'
  }
>

/** Far apart multiples of an odd number: different for each place in a record, and as random as the record's id. */
const STEP = 0x9e37_79b9_7f4a_7c15n
const ID_BITS = 0x7fff_ffff_ffff_ffffn

/** The id of what the history has none for, by its place in its record; 0 is the nameless state. The same each time. */
function derivedId(record: string, place: number): string {
  return ((BigInt(record) + BigInt(place + 1) * STEP) & ID_BITS).toString()
}

/** The id of the nameless state of a record. */
export function namelessState(record: string): string {
  return derivedId(record, 0)
}

/** An experiment is told as impressed where the user met it, in the variant that they kept (specification 8.10). */
function impressed(snapshot: Snapshot, impressions: ReadonlyMap<number, number>): Snapshot {
  const { experiments } = snapshot
  if (experiments === undefined) return snapshot
  return {
    ...snapshot,
    experiments: experiments.map((one) =>
      impressions.get(one.id) === one.variantId ? { ...one, impressed: true } : one,
    ),
  }
}

function end(
  record: OpenRecord['told'],
  { at, startedAt, durationMs, reason, snapshot }: Extract<Entry, { kind: 'sessionEnded' }>,
  { inactivityMs, pausedMs }: SessionRules,
): void {
  record.startedAt = startedAt
  record.durationMs = durationMs
  record.snapshot = snapshot
  // A session that timed out ended at its last activity, but nobody could know before its time was over.
  record.completeAt = at + (reason === 'timeout' ? inactivityMs : reason === 'pauseTimeout' ? pausedMs : 0)
}

function enter(record: OpenRecord, { stateId, name, at, info, params, firstAfterMs }: StateEntry): void {
  record.states.set(stateId, {
    stateId,
    name,
    at,
    ...(info !== undefined && { info }),
    ...(params !== undefined && { params }),
    ...(firstAfterMs !== undefined && { firstAfterMs }),
    events: record.states.get(stateId)?.events ?? [],
  })
}

function addEvent(record: OpenRecord, entry: EventEntry): void {
  record.eventCount += 1
  const state = entry.stateId ?? (record.nameless ??= namelessState(record.told.id))
  const line = lineOf(entry, entry.eventId ?? derivedId(record.told.id, record.eventCount))
  const known = record.states.get(state)
  if (known === undefined) record.states.set(state, { stateId: state, events: [line] })
  else known.events.push(line)
}

function lineOf({ name, at, value, info, params, firstAfterMs }: EventEntry, eventId: string): EventLine {
  const line: Mutable<EventLine> = { eventId, name, at }
  if (value !== undefined) line.value = value
  if (info !== undefined) line.info = info
  if (params !== undefined) line.params = params
  if (firstAfterMs !== undefined) line.firstAfterMs = firstAfterMs
  return line
}

function closed({ told, states, impressions }: OpenRecord): SessionRecord {
  told.states = [...states.values()].map(sortedState).sort(byBeginning)
  if (told.snapshot !== undefined && impressions !== null) told.snapshot = impressed(told.snapshot, impressions)
  return told
}

/** Events that arrived late stand where they belong. */
function sortedState(state: OpenState): StateLine {
  state.events.sort((one, two) => one.at - two.at)
  return state
}

/** The nameless ones first. */
function byBeginning(one: StateLine, two: StateLine): number {
  return (one.at ?? -1) - (two.at ?? -1)
}
