import type { EpochMs } from '@damson/core'
import { DEVELOPER_FIELD } from './devices.ts'
import { userBucket } from './hash.ts'
import type { AttributeScalar, AttributeValue, Device, Profile, Tally } from './profile.ts'

/** A profile as `exportUser` tells it, field by field in the recorded form (specification 4.5, 8.10). */
export function exportedUser(profile: Profile): Record<string, unknown> {
  return {
    userId: profile.userId,
    created: seconds(profile.createdAt),
    lastActive: profile.lastActiveAt === null ? null : seconds(profile.lastActiveAt),
    totalSessions: profile.totalSessions,
    timeSpentInApp: seconds(profile.timeInAppMs),
    userAttributes: mapValues(profile.attributes, exportedAttribute),
    events: mapValues(profile.events, exportedTally),
    states: mapValues(profile.states, exportedTally),
    devices: Object.entries(profile.devices).map(exportedDevice),
    unsubscribeChannels: profile.unsubscribedChannels,
    unsubscribeCategories: profile.unsubscribedCategories.map((id) => ({ id })),
    ...profile.place,
    userBucket: userBucket(profile.userId),
  }
}

const seconds = (ms: EpochMs): number => ms / 1000

/** Booleans come back as words. @source observed: specification 7.4 */
export function exportedAttribute(value: AttributeValue): AttributeValue {
  return typeof value === 'object' ? value.map(exportedScalar) : exportedScalar(value)
}

function exportedScalar(value: AttributeScalar): string | number {
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return value
}

function exportedTally({ count, value, firstAt, lastAt }: Tally): Record<string, number> {
  return {
    count,
    ...(value !== undefined && { value }),
    firstTime: seconds(firstAt),
    lastTime: seconds(lastAt),
  }
}

function exportedDevice([deviceId, device]: [string, Device]): Record<string, unknown> {
  const { [DEVELOPER_FIELD]: _, ...fields } = device
  return { deviceId, ...fields }
}

function mapValues<T, U>(map: Readonly<Record<string, T>>, convert: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, convert(value)]))
}
