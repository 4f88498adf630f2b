import type { Device, Profile, Tally } from '../../engine/profile.ts'
import { userBucket } from '../../engine/hash.ts'
import type { Fact, TallyField } from './syntax.ts'
import type { Value } from './values.ts'

/** What a profile says of a fact: one value, several of which any may count, or nothing. */
export type Read = (profile: Profile) => Value | readonly Value[] | undefined

export function readerOf(fact: Fact): Read {
  switch (fact.of) {
    case 'attribute': {
      const { name } = fact
      return ({ attributes }) => (Object.hasOwn(attributes, name) ? attributes[name] : undefined)
    }
    case 'event':
    case 'state': {
      const { name, field } = fact
      const read = tallyReader(field)
      return fact.of === 'event'
        ? ({ events }) => read(Object.hasOwn(events, name) ? events[name] : undefined)
        : ({ states }) => read(Object.hasOwn(states, name) ? states[name] : undefined)
    }
    case 'device':
      return deviceReader(fact.field)
    case 'place': {
      const { field } = fact
      return ({ place }) => place[field]
    }
    case 'distance':
      return distanceReader(fact.latitude, fact.longitude)
    case 'session':
      return sessionReader(fact.field)
    case 'user':
      return userReader(fact.field)
    case 'source': {
      const { field } = fact
      return ({ trafficSource }) =>
        trafficSource !== null && Object.hasOwn(trafficSource, field) ? trafficSource[field] : undefined
    }
    case 'test': {
      const id = String(fact.id)
      return ({ variants }) => (Object.hasOwn(variants, id) ? variants[id]?.variantId : undefined)
    }
  }
}

/** What never happened has happened 0 times, and at no moment. */
function tallyReader(field: TallyField): (tally: Tally | undefined) => number | undefined {
  switch (field) {
    case 'count':
      return (tally) => tally?.count ?? 0
    case 'value':
      return (tally) => tally?.value ?? 0
    case 'first':
      return (tally) => tally?.firstAt
    case 'last':
      return (tally) => tally?.lastAt
  }
}

function deviceReader(field: string): Read {
  if (field === 'id') return ({ devices }) => Object.keys(devices)
  return ({ devices }) => {
    const values: Value[] = []
    for (const id in devices) {
      const value = valueIn(devices[id], field)
      if (value !== undefined) values.push(value)
    }
    return values
  }
}

function valueIn(device: Device | undefined, field: string): Value | undefined {
  return device !== undefined && Object.hasOwn(device, field) ? device[field] : undefined
}

function sessionReader(field: Extract<Fact, { of: 'session' }>['field']): Read {
  switch (field) {
    case 'count':
      return ({ totalSessions }) => totalSessions
    case 'seconds':
      return ({ timeInAppMs }) => timeInAppMs / 1000
    case 'active':
      return ({ sessions }) => Object.values(sessions).some(({ phase }) => phase === 'active')
  }
}

function userReader(field: Extract<Fact, { of: 'user' }>['field']): Read {
  switch (field) {
    case 'id':
      return ({ userId }) => userId
    case 'bucket':
      return ({ userId }) => userBucket(userId)
    case 'created':
      return ({ createdAt }) => createdAt
    case 'lastActive':
      return ({ lastActiveAt }) => lastActiveAt ?? undefined
    case 'developer':
      return ({ isDeveloper }) => isDeveloper
  }
}

const EARTH_RADIUS_KM = 6371
const RADIAN = Math.PI / 180

/** Along the surface of a sphere (haversine); right to half a percent. */
function distanceReader(latitude: number, longitude: number): Read {
  const cosine = Math.cos(latitude * RADIAN)
  return ({ place }) => {
    const [lat, lon, ...rest] = (place.location ?? '').split(',').map((part) => Number(part.trim() || NaN))
    if (lat === undefined || lon === undefined || rest.length > 0 || Number.isNaN(lat + lon)) return undefined
    const across = Math.sin(((lat - latitude) * RADIAN) / 2) ** 2
    const around = Math.sin(((lon - longitude) * RADIAN) / 2) ** 2
    const half = across + cosine * Math.cos(lat * RADIAN) * around
    return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(half)))
  }
}
