import type { EpochMs } from '@damson/core'
import { exportedAttribute } from './export-user.ts'
import { userBucket } from './hash.ts'
import type { EventLine, SessionRecord, StateLine } from './record.ts'

/** Whose record it is. */
export interface RecordOwner {
  readonly userId: string
  readonly createdAt: EpochMs
}

/** The seven fields of a traffic source, as profiles keep them and as raw exports call them. */
export const SOURCE_FIELDS = [
  ['publisherId', 'sourcePublisherId'],
  ['publisherName', 'sourcePublisher'],
  ['publisherSubPublisher', 'sourceSubPublisher'],
  ['publisherSubSite', 'sourceSite'],
  ['publisherSubCampaign', 'sourceCampaign'],
  ['publisherSubAdGroup', 'sourceAdGroup'],
  ['publisherSubAd', 'sourceAd'],
] as const

/** What a raw export tells of the device. */
export const EXPORTED_DEVICE_FIELDS = [
  'appVersion',
  'systemName',
  'systemVersion',
  'deviceModel',
  'browserName',
  'browserVersion',
] as const

export const EXPORTED_PLACE_FIELDS = ['country', 'region', 'city'] as const

/**
 * The fields of a record that stand beside its states, in their order; what is absent is `undefined`. Written out, and not from
 * the lists above: an object that gets its fields by computed names takes twice as long to make and to write down.
 */
export function recordFields(record: SessionRecord, owner: RecordOwner): Readonly<Record<string, unknown>> {
  const { snapshot, prior } = record
  const { device, place = {}, trafficSource: source } = snapshot ?? {}
  const [lat, lon] = place.location?.split(',') ?? []
  return {
    sessionId: record.id,
    userId: owner.userId,
    deviceId: record.deviceId ?? undefined,
    isSession: record.isSession,
    isDeveloper: snapshot?.isDeveloper === true ? true : undefined,
    time: seconds(record.startedAt),
    duration: seconds(record.durationMs),
    firstRun: seconds(owner.createdAt),
    userBucket: userBucket(owner.userId),
    client: record.client,
    sdkVersion: record.sdkVersion,
    appVersion: device?.appVersion,
    systemName: device?.systemName,
    systemVersion: device?.systemVersion,
    deviceModel: device?.deviceModel,
    browserName: device?.browserName,
    browserVersion: device?.browserVersion,
    country: place.country,
    region: place.region,
    city: place.city,
    lat,
    lon,
    locale: place.locale,
    timezone: place.timezone,
    timezoneOffsetSeconds: place.timezoneOffsetSeconds,
    priorSessions: prior?.sessions,
    priorEvents: prior?.events,
    priorStates: prior?.states,
    priorTimeSpentInApp: prior === undefined ? undefined : seconds(prior.timeInAppMs),
    sourcePublisherId: source?.publisherId,
    sourcePublisher: source?.publisherName,
    sourceSubPublisher: source?.publisherSubPublisher,
    sourceSite: source?.publisherSubSite,
    sourceCampaign: source?.publisherSubCampaign,
    sourceAdGroup: source?.publisherSubAdGroup,
    sourceAd: source?.publisherSubAd,
  }
}

/** The attributes of a record's user as raw exports tell them. */
export function recordAttributes({ snapshot }: SessionRecord): readonly (readonly [name: string, value: unknown])[] {
  return Object.entries(snapshot?.attributes ?? {}).map(([name, value]) => [name, exportedAttribute(value)])
}

/**
 * One line of a JSON export, without its line end (specification 8.10). Ids of states and events are 64-bit integers, more
 * than JavaScript can count to, so they are written by hand.
 */
export function recordText(record: SessionRecord, owner: RecordOwner): string {
  const attributes = recordAttributes(record)
  const { experiments = [] } = record.snapshot ?? {}
  const head = JSON.stringify(recordFields(record, owner))
  const about = JSON.stringify({
    userAttributes: attributes.length > 0 ? Object.fromEntries(attributes) : undefined,
    experiments: experiments.length > 0 ? experiments : undefined,
  })
  const between = about === '{}' ? '' : `,${about.slice(1, -1)}`
  return `${head.slice(0, -1)}${between},"states":[${record.states.map(stateText).join(',')}]}`
}

function stateText({ stateId, name, at, durationMs, info, params, firstAfterMs, events }: StateLine): string {
  const rest = JSON.stringify({
    name,
    time: optionalSeconds(at),
    duration: optionalSeconds(durationMs),
    info,
    parameters: params,
    timeUntilFirstForUser: optionalSeconds(firstAfterMs),
  })
  const tail = rest === '{}' ? '' : `${rest.slice(1, -1)},`
  return `{"stateId":${stateId},${tail}"events":[${events.map(eventText).join(',')}]}`
}

function eventText({ eventId, name, at, value, info, params, firstAfterMs }: EventLine): string {
  const rest = JSON.stringify({
    name,
    time: seconds(at),
    value: value ?? 0,
    info,
    parameters: params,
    timeUntilFirstForUser: optionalSeconds(firstAfterMs),
  })
  return `{"eventId":${eventId},${rest.slice(1)}`
}

export function seconds(ms: number): number {
  return ms / 1000
}

export function optionalSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : seconds(ms)
}
