import { MINUTE_MS } from '@damson/core'
import { type ArgsOf, done, failed, warned } from '@damson/core/protocol'
import { chooseLane, isOpen } from '@damson/core/session'
import { addToAttributes, incrementAttributes, removeFromAttributes, setAttributes } from '../attributes.ts'
import { DEVELOPER_FIELD, setDevice, withVersion } from '../devices.ts'
import { Draft, emptyProfile, isAnonymous } from '../draft.ts'
import { EMAIL } from '../email.ts'
import { exportedUser } from '../export-user.ts'
import { checkTallies, editTallies } from '../history-edits.ts'
import { merged } from '../merge.ts'
import { noting } from '../params.ts'
import { setPlace } from '../place.ts'
import type { Cast, Decide, Query, Scene } from '../scene.ts'
import { perform, sessionOf, settle } from '../story.ts'

/** `setUserAttributes` (specification 8.5), whole. An invalid event or state stops all of it. */
export const setUserAttributes: Decide<'setUserAttributes'> = (cast, args, scene) => {
  const fault = checkTallies('event', args.events) ?? checkTallies('state', args.states)
  if (fault !== null) return fault
  settle(cast.subject, scene.at, scene.services.rules)
  const current = becomeNewUser(cast, args.newUserId, scene)
  const ofNames = setAttributes(current, args.userAttributes, cast, scene)
  addToAttributes(current, args.userAttributeValuesToAdd)
  removeFromAttributes(current, args.userAttributeValuesToRemove)
  incrementAttributes(current, args.userAttributeValuesToIncrement)
  editTallies('event', args.events, current, scene.at)
  editTallies('state', args.states, current, scene.at)
  setCounters(current, args)
  setSubscriptions(current, args)
  const ofPlace = setPlace(current, args, scene)
  linkDevices(cast, current, args.devices)
  if (args.resetAnomalies && current.profile.anomalous) current.edit().anomalous = false
  return noting(done(), ofNames ?? ofPlace)
}

type SetArgs = ArgsOf<'setUserAttributes'>

function setCounters(draft: Draft, { created, lastActive, totalSessions, timeSpentInApp }: SetArgs): void {
  if (created !== undefined) draft.edit().createdAt = created
  if (lastActive !== undefined) draft.edit().lastActiveAt = lastActive
  if (totalSessions !== undefined) draft.edit().totalSessions = totalSessions
  if (timeSpentInApp !== undefined) draft.edit().timeInAppMs = Math.round(timeSpentInApp * 1000)
}

/** Subscribing to a channel again leaves the unsubscribed categories alone. @source documented: specification 8.5 */
function setSubscriptions(draft: Draft, args: SetArgs): void {
  const { unsubscribedCategories, unsubscribedChannels } = draft.profile
  const { unsubscribeCategoriesToAdd, unsubscribeCategoriesToRemove } = args
  if (unsubscribeCategoriesToAdd || unsubscribeCategoriesToRemove)
    draft.edit().unsubscribedCategories = changed(
      unsubscribedCategories,
      unsubscribeCategoriesToAdd,
      unsubscribeCategoriesToRemove,
    )
  const { unsubscribeChannelsToAdd, unsubscribeChannelsToRemove } = args
  if (unsubscribeChannelsToAdd || unsubscribeChannelsToRemove)
    draft.edit().unsubscribedChannels = changed(
      unsubscribedChannels,
      unsubscribeChannelsToAdd,
      unsubscribeChannelsToRemove,
    )
}

function changed<T>(before: readonly T[], added: readonly T[] = [], removed: readonly T[] = []): readonly T[] {
  return [...new Set([...before, ...added])].filter((value) => !removed.includes(value))
}

/** Devices without an id are passed over; the others come to belong to this user (specification 8.5). */
function linkDevices(cast: Cast, draft: Draft, devices: SetArgs['devices'] = []): void {
  for (const device of devices) {
    const { deviceId } = device
    if ((typeof deviceId !== 'string' && typeof deviceId !== 'number') || deviceId === '') continue
    setDevice(draft, String(deviceId), device)
    cast.devices.set(String(deviceId), draft === cast.subject ? 'subject' : 'other')
  }
}

/**
 * `newUserId` (specification 4.3): registers an anonymous profile, merges it into the user who logged in, or switches
 * from one user to another. @returns the profile that the rest of the call is about
 */
function becomeNewUser(cast: Cast, newUserId: string | undefined, scene: Scene): Draft {
  const { subject } = cast
  if (newUserId === undefined || newUserId === subject.profile.userId) return subject
  if (!isAnonymous(subject.profile)) return switchUser(cast, newUserId, scene)
  if (cast.other !== null) return logIn(cast, cast.other, scene)
  subject.edit().userId = newUserId
  return subject
}

function logIn(cast: Cast, target: Draft, scene: Scene): Draft {
  const { subject } = cast
  const { rules } = scene.services
  settle(target, scene.at, rules)
  for (const lane of Object.keys(subject.profile.sessions)) {
    const bothOpen = isOpen(sessionOf(subject.profile, lane)) && isOpen(sessionOf(target.profile, lane))
    if (bothOpen) perform(target, lane, { type: 'stop', reason: 'switch' }, scene.at, rules)
  }
  target.replace(merged(target.profile, subject.profile, rules))
  target.entries.push(...subject.entries)
  for (const deviceId of Object.keys(subject.profile.devices)) cast.devices.set(deviceId, 'other')
  cast.fate = 'merged'
  return target
}

/** The session that was open ends, and one begins for the new user; none begins where none was (unknowns 22, 23). */
function switchUser(cast: Cast, newUserId: string, scene: Scene): Draft {
  const { subject } = cast
  const { at, common, services } = scene
  const { deviceId } = common
  const { answer } = perform(
    subject,
    chooseLane(subject.profile.sessions, deviceId, 'stop', at, services.rules),
    { type: 'stop', reason: 'switch' },
    at,
    services.rules,
  )
  if (cast.other === null) {
    cast.other = new Draft(emptyProfile(newUserId, at))
    cast.other.entries.push({ kind: 'profileCreated', at })
  }
  const next = cast.other
  settle(next, at, services.rules)
  if (deviceId !== null) {
    setDevice(next, deviceId, subject.profile.devices[deviceId] ?? {})
    cast.devices.set(deviceId, 'other')
  }
  if (answer.as === 'session')
    perform(next, deviceId ?? '', { type: 'start', id: services.ids.take() }, at, services.rules)
  return next
}

/** `setDeviceAttributes` (specification 8.6). With nothing to set, the device becomes known all the same. */
export const setDeviceAttributes: Decide<'setDeviceAttributes'> = (cast, args, scene) => {
  settle(cast.subject, scene.at, scene.services.rules)
  setDevice(cast.subject, scene.common.deviceId, withVersion(args, scene))
  return done()
}

/** @source documented: specification 8.7 */
const TRAFFIC_SOURCE_FIELDS = [
  'publisherId',
  'publisherName',
  'publisherSubPublisher',
  'publisherSubSite',
  'publisherSubCampaign',
  'publisherSubAdGroup',
  'publisherSubAd',
] as const

/** A session that began up to this long after `time` is the one meant. @source documented: specification 8.7 */
const TRAFFIC_SOURCE_SLACK_MS = 2 * MINUTE_MS

/** `setTrafficSourceInfo` (specification 8.7): for the profile, and the session that `time` lies in or begins. */
export const setTrafficSourceInfo: Decide<'setTrafficSourceInfo'> = ({ subject }, { trafficSource }, scene) => {
  const { at, services, common } = scene
  settle(subject, at, services.rules)
  const source: Record<string, string> = {}
  for (const field of TRAFFIC_SOURCE_FIELDS) {
    const value = trafficSource[field]
    if (typeof value === 'string' || typeof value === 'number') source[field] = String(value)
  }
  const lane = chooseLane(subject.profile.sessions, common.deviceId, 'touch', at, services.rules)
  const session = sessionOf(subject.profile, lane)
  const isMeant = session.phase !== 'closed' && session.run.startedAt <= at + TRAFFIC_SOURCE_SLACK_MS
  const covering = session.past.find(({ startedAt, endedAt }) => startedAt <= at && at <= endedAt)
  const record = isMeant ? session.run.id : (covering?.id ?? null)
  subject.edit().trafficSource = source
  subject.entries.push({ kind: 'trafficSource', at, record, source })
  return done()
}

/** `registerDevice` (specification 8.8): makes a device a developer's. */
export const registerDevice: Decide<'registerDevice'> = ({ subject }, { email }, { app, common }) => {
  const { developers } = app.settings
  if (!EMAIL.test(email)) return failed('INVALID_ARGUMENT', { name: 'email' })
  const address = email.toLowerCase()
  if (developers.length > 0 && !developers.some((known) => known.toLowerCase() === address))
    return failed('UNKNOWN_DEVELOPER')
  const deviceId = common.deviceId!
  setDevice(subject, deviceId, {})
  const device = subject.profile.devices[deviceId]
  const isNew = device?.[DEVELOPER_FIELD] === undefined
  if (isNew) subject.devices()[deviceId] = { ...device, [DEVELOPER_FIELD]: email }
  return done({ registered: isNew })
}

/** `deleteUser` (specification 8.8). By a device id alone only where nobody ever logged in (unknowns 26). */
export const deleteUser: Decide<'deleteUser'> = (cast, { fullErasure }, scene) => {
  if (isOthersDevice(cast, scene)) return warned('USER_NOT_FOUND')
  cast.fate = fullErasure ? 'erased' : 'removed'
  return done()
}

/** `block` (specification 8.8): nothing is collected any more, and what was collected is erased; a shell stays. */
export const block: Decide<'block'> = (cast, _args, scene) => {
  const { subject } = cast
  if (isOthersDevice(cast, scene)) return warned('USER_NOT_FOUND')
  subject.replace({ ...emptyProfile(subject.profile.userId, subject.profile.createdAt), blocked: true })
  subject.entries.length = 0
  cast.fate = 'blocked'
  return done()
}

export const unblock: Decide<'unblock'> = ({ subject }) => {
  if (subject.profile.blocked) subject.edit().blocked = false
  return done()
}

function isOthersDevice({ subject }: Cast, { common }: Scene): boolean {
  const byDeviceAlone = common.userId === null || common.userId === common.deviceId
  return byDeviceAlone && !isAnonymous(subject.profile)
}

/** `exportUser` (specification 8.10): the profile as it is at this instant, sessions that timed out having ended. */
export const exportUser: Query<'exportUser'> = (draft, _args, { now, services }) => {
  if (draft.profile.blocked) return warned('USER_NOT_FOUND')
  settle(draft, now, services.rules)
  return done(exportedUser(draft.profile))
}
