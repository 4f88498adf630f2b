import type { Experiment, Params, Prior, Snapshot } from '../../engine/entries.ts'
import type { AttributeScalar, AttributeValue, Place } from '../../engine/profile.ts'
import { EXPORTED_DEVICE_FIELDS, EXPORTED_PLACE_FIELDS, SOURCE_FIELDS } from '../../engine/record-text.ts'
import type { EventLine, SessionRecord, StateLine } from '../../engine/record.ts'
import { flag, id, list, optionalMs, optionalNumber, optionalText, RawError, type RawRecord } from './raw-record.ts'

/** A record with its user, as an export told it. */
export interface ImportedRecord {
  readonly userId: string
  readonly createdAt: number
  readonly record: SessionRecord
}

const MAX_ID_LENGTH = 400

/**
 * Understands a record of a raw export.
 * @throws {RawError} saying what is missing or wrong
 */
export function readRecord(raw: RawRecord): ImportedRecord {
  const userId = optionalText(raw.userId)
  if (userId === undefined || userId.length > MAX_ID_LENGTH) throw new RawError("'userId' is missing or too long")
  const startedAt = optionalMs(raw.time, 'time')
  if (startedAt === undefined) throw new RawError("'time' is missing")
  const durationMs = optionalMs(raw.duration, 'duration') ?? 0
  const client = optionalText(raw.client)
  const sdkVersion = optionalText(raw.sdkVersion)
  const prior = priorOf(raw)
  const record: SessionRecord = {
    id: id(raw.sessionId, 'sessionId'),
    isSession: raw.isSession === undefined || raw.isSession === '' ? true : flag(raw.isSession),
    deviceId: optionalText(raw.deviceId) ?? null,
    startedAt,
    durationMs,
    completeAt: startedAt + durationMs,
    ...(client !== undefined && { client }),
    ...(sdkVersion !== undefined && { sdkVersion }),
    ...(prior !== null && { prior }),
    snapshot: snapshotOf(raw, userId),
    states: list(raw.states, 'states').map((state) => stateOf(state)),
  }
  return { userId, createdAt: optionalMs(raw.firstRun, 'firstRun') ?? startedAt, record }
}

function priorOf(raw: RawRecord): Prior | null {
  const sessions = optionalNumber(raw.priorSessions, 'priorSessions')
  const events = optionalNumber(raw.priorEvents, 'priorEvents')
  const states = optionalNumber(raw.priorStates, 'priorStates')
  const timeInAppMs = optionalMs(raw.priorTimeSpentInApp, 'priorTimeSpentInApp')
  if ((sessions ?? events ?? states ?? timeInAppMs) === undefined) return null
  return { sessions: sessions ?? 0, events: events ?? 0, states: states ?? 0, timeInAppMs: timeInAppMs ?? 0 }
}

function snapshotOf(raw: RawRecord, userId: string): Snapshot {
  const device = textsOf(
    raw,
    EXPORTED_DEVICE_FIELDS.map((name) => [name, name]),
  )
  const source = textsOf(raw, SOURCE_FIELDS)
  const experiments = experimentsOf(raw)
  return {
    userId,
    attributes: attributesOf(raw.userAttributes),
    device,
    place: placeOf(raw),
    trafficSource: source,
    isDeveloper: flag(raw.isDeveloper),
    ...(experiments.length > 0 && { experiments }),
  }
}

/** The fields that are there, under our names; `null` if none is. */
function textsOf(
  raw: RawRecord,
  names: readonly (readonly [ours: string, exported: string])[],
): Record<string, string> | null {
  const found: Record<string, string> = {}
  for (const [ours, exported] of names) {
    const text = optionalText(raw[exported])
    if (text !== undefined) found[ours] = text
  }
  return Object.keys(found).length === 0 ? null : found
}

function placeOf(raw: RawRecord): Place {
  const texts = textsOf(
    raw,
    [...EXPORTED_PLACE_FIELDS, 'locale', 'timezone'].map((name) => [name, name]),
  )
  const [lat, lon] = [optionalText(raw.lat), optionalText(raw.lon)]
  const timezoneOffsetSeconds = optionalNumber(raw.timezoneOffsetSeconds, 'timezoneOffsetSeconds')
  return {
    ...texts,
    ...(lat !== undefined && lon !== undefined && { location: `${lat},${lon}` }),
    ...(timezoneOffsetSeconds !== undefined && { timezoneOffsetSeconds }),
  }
}

function experimentsOf(raw: RawRecord): readonly Experiment[] {
  return list(raw.experiments, 'experiments').map(({ id: test, variantId, impressed }) => ({
    id: optionalNumber(test, 'experiments.id') ?? 0,
    variantId: optionalNumber(variantId, 'experiments.variantId') ?? 0,
    ...(typeof impressed === 'boolean' && { impressed }),
  }))
}

function attributesOf(value: unknown): Record<string, AttributeValue> {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw new RawError("'userAttributes' is no object")
  const attributes: Record<string, AttributeValue> = {}
  for (const [name, held] of Object.entries(value)) {
    if (held === null || held === undefined || name === '__proto__') continue
    attributes[name] = Array.isArray(held) ? held.map(scalarOf) : scalarOf(held)
  }
  return attributes
}

/** Exports write booleans as words (specification 7.4). */
function scalarOf(value: unknown): AttributeScalar {
  if (value === 'True') return true
  if (value === 'False') return false
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return JSON.stringify(value) ?? ''
}

function stateOf(raw: RawRecord): StateLine {
  const name = optionalText(raw.name)
  const at = optionalMs(raw.time, 'states.time')
  const durationMs = optionalMs(raw.duration, 'states.duration')
  const events = list(raw.events, 'events').map((event) => eventOf(event))
  return { stateId: id(raw.stateId, 'stateId'), ...common(raw), events, ...some({ name, at, durationMs }) }
}

function eventOf(raw: RawRecord): EventLine {
  const at = optionalMs(raw.time, 'events.time')
  if (at === undefined) throw new RawError("'time' of an event is missing")
  const value = optionalNumber(raw.value, 'events.value')
  const line = { eventId: id(raw.eventId, 'eventId'), name: optionalText(raw.name) ?? '', at, ...common(raw) }
  // An event without a value is exported with 0.
  return value === undefined || value === 0 ? line : { ...line, value }
}

function common(raw: RawRecord): Pick<EventLine, 'info' | 'params' | 'firstAfterMs'> {
  const params = paramsOf(raw.parameters)
  const firstAfterMs = optionalMs(raw.timeUntilFirstForUser, 'timeUntilFirstForUser')
  return some({ info: optionalText(raw.info), params, firstAfterMs })
}

function paramsOf(value: unknown): Params | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) throw new RawError("'parameters' is no object")
  const params: Record<string, AttributeScalar> = {}
  for (const [name, held] of Object.entries(value))
    if (name !== '__proto__' && held !== null) params[name] = paramOf(held)
  return Object.keys(params).length === 0 ? undefined : params
}

function paramOf(value: unknown): AttributeScalar {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return JSON.stringify(value) ?? ''
}

type Some<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function some<T extends object>(fields: T): Some<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Some<T>
}
