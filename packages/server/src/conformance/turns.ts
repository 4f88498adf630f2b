import { emptyProfile } from '../engine/draft.ts'
import type { Entry } from '../engine/entries.ts'
import type { Profile } from '../engine/profile.ts'
import type { Loaded, ProfileRef, Store, Turn } from '../store/store.ts'

export const APP = 'app_1'

/** A profile of a user who did nothing yet. */
export function profileOf(userId: string, fields: Partial<Profile> = {}): Profile {
  return { ...emptyProfile(userId, 0), ...fields }
}

export function refOf(fields: Partial<ProfileRef>): ProfileRef {
  return { appId: APP, userId: null, deviceId: null, needsSeen: false, ...fields }
}

export function user(userId: string, fields: Partial<ProfileRef> = {}): ProfileRef {
  return refOf({ userId, ...fields })
}

export function device(deviceId: string, fields: Partial<ProfileRef> = {}): ProfileRef {
  return refOf({ deviceId, ...fields })
}

export function eventOf(name: string): Entry {
  return { kind: 'event', at: 0, record: 'r', name }
}

/** A decider that counts one event, creating the profile if need be; answers the new count. */
export function counting(userId: string, name = 'e'): (loaded: Loaded) => Turn<number> {
  return ({ subject }) => {
    const before = subject ?? profileOf(userId)
    const profile = { ...before, eventCount: before.eventCount + 1 }
    return { answer: profile.eventCount, subject: { profile, wakeAt: null, entries: [eventOf(name)] } }
  }
}

/** A decider that writes this profile, whatever was there. */
export function writing(profile: Profile, rest: Partial<Turn<null>> = {}, wakeAt: number | null = null) {
  return (): Turn<null> => ({ answer: null, subject: { profile, wakeAt }, ...rest })
}

/** What a turn would see. */
export async function look(store: Store, ref: ProfileRef, key?: string) {
  return store.transact({ ...ref, needsSeen: ref.needsSeen || key !== undefined }, (loaded) => ({
    answer: {
      subject: loaded.subject,
      other: loaded.other,
      deviceUserId: loaded.deviceUserId,
      seen: key === undefined ? undefined : loaded.seen(key),
    },
  }))
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** The names of the events in a user's history, in order. */
export async function historyOf(store: Store, userId: string): Promise<string[]> {
  const lines = await all(store.entries({ appId: APP, userId }))
  return lines.map(({ entry }) => (entry.kind === 'event' ? entry.name : entry.kind))
}
