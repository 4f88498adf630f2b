import { Draft, emptyProfile, tallied } from '../../engine/draft.ts'
import type { Prior, Snapshot } from '../../engine/entries.ts'
import type { Profile } from '../../engine/profile.ts'
import { namelessState } from '../../engine/record-fold.ts'
import type { SessionRecord } from '../../engine/record.ts'
import type { Turn } from '../../store/store.ts'
import type { ImportedRecord } from './read-record.ts'

const NOBODY_BEFORE: Prior = { sessions: 0, events: 0, states: 0, timeInAppMs: 0 }

/**
 * What records of one user make of his profile: they become part of its history with their own times and ids, and count as
 * if they had happened here. What is known of him changes only where a record is newer than all there was. Pure.
 */
export function importRecords(profile: Profile | null, userId: string, records: readonly ImportedRecord[]): Turn<null> {
  const sorted = records.toSorted((one, two) => one.record.startedAt - two.record.startedAt)
  const createdAt = Math.min(...sorted.map((one) => one.createdAt))
  const draft = new Draft(profile ?? emptyProfile(userId, createdAt))
  if (profile === null) draft.entries.push({ kind: 'profileCreated', at: createdAt })
  let newestAt = newestOf(draft.profile)
  const devices: Record<string, 'subject'> = {}
  for (const { record } of sorted) {
    tell(draft, record)
    count(draft, record)
    const isNewer = record.startedAt >= newestAt
    if (isNewer) newestAt = record.startedAt
    if (record.snapshot !== undefined) know(draft, record, record.snapshot, isNewer)
    if (record.deviceId !== null) devices[record.deviceId] = 'subject'
  }
  return { answer: null, subject: { profile: draft.profile, wakeAt: null, entries: draft.entries }, devices }
}

/** The last instant of which the profile tells. */
function newestOf({ lastActiveAt, events, states }: Profile): number {
  const tallies = [...Object.values(events), ...Object.values(states)]
  return tallies.reduce((newest, { lastAt }) => Math.max(newest, lastAt), lastActiveAt ?? -Infinity)
}

/** The record as lines of history, from which an export makes the same record again. */
function tell(
  { entries }: Draft,
  { id, deviceId, startedAt, durationMs, isSession, snapshot, ...record }: SessionRecord,
): void {
  const client = record.client !== undefined && { client: record.client }
  const sdkVersion = record.sdkVersion !== undefined && { sdkVersion: record.sdkVersion }
  const begun = { at: startedAt, record: id, deviceId, ...client, ...sdkVersion }
  const prior = record.prior ?? NOBODY_BEFORE
  if (isSession) entries.push({ kind: 'sessionStarted', ...begun, counted: true, prior })
  else
    entries.push({
      kind: 'offlineOpened',
      ...begun,
      ...(record.prior !== undefined && { prior }),
      ...(snapshot !== undefined && { snapshot }),
    })
  for (const state of record.states) tellState(entries, id, startedAt, state)
  if (!isSession || snapshot === undefined) return
  const endedAt = startedAt + durationMs
  entries.push({ kind: 'sessionEnded', at: endedAt, record: id, startedAt, durationMs, reason: 'stop', snapshot })
}

function tellState(
  entries: Draft['entries'],
  record: string,
  startedAt: number,
  { stateId, name, at, durationMs, events, ...more }: SessionRecord['states'][number],
): void {
  // What happened in no state has no state in the history either.
  const enteredAt = at ?? events[0]?.at ?? startedAt
  if (name !== undefined) entries.push({ kind: 'stateEntered', at: enteredAt, record, stateId, name, ...more })
  for (const event of events) {
    const inState = name === undefined && stateId === namelessState(record) ? {} : { stateId }
    entries.push({ kind: 'event', record, ...inState, ...event })
  }
  if (name !== undefined && durationMs !== undefined)
    entries.push({ kind: 'stateLeft', at: enteredAt + durationMs, record, stateId, durationMs })
}

function count(draft: Draft, { isSession, startedAt, durationMs, states }: SessionRecord): void {
  const profile = draft.edit()
  if (isSession) {
    profile.totalSessions += 1
    profile.timeInAppMs += durationMs
    profile.lastActiveAt = Math.max(profile.lastActiveAt ?? -Infinity, startedAt + durationMs)
  }
  for (const { name, at, events } of states) {
    if (name !== undefined) {
      const known = draft.states()
      known[name] = tallied(Object.hasOwn(known, name) ? known[name] : undefined, at ?? startedAt)
      draft.edit().stateCount += 1
    }
    for (const event of events) {
      const known = draft.events()
      known[event.name] = tallied(
        Object.hasOwn(known, event.name) ? known[event.name] : undefined,
        event.at,
        event.value,
      )
      draft.edit().eventCount += 1
    }
  }
}

/** Takes over what the record knows of its user; an older one only adds a device nobody knew. */
function know(draft: Draft, { deviceId }: SessionRecord, snapshot: Snapshot, isNewer: boolean): void {
  const { attributes, device, place, trafficSource, isDeveloper } = snapshot
  if (deviceId !== null && (isNewer || !Object.hasOwn(draft.profile.devices, deviceId))) {
    const devices = draft.devices()
    devices[deviceId] = { ...(Object.hasOwn(devices, deviceId) ? devices[deviceId] : {}), ...device }
  }
  const profile = draft.edit()
  if (isDeveloper) profile.isDeveloper = true
  if (!isNewer) return
  Object.assign(draft.attributes(), attributes)
  profile.place = { ...profile.place, ...place }
  if (trafficSource !== null) profile.trafficSource = trafficSource
}
