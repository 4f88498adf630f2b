import type { EpochMs } from '@damson/core'
import type { SessionRules } from '@damson/core/session'
import type { Store, StoredOwner } from '../store/store.ts'
import type { Profile } from './profile.ts'
import { RecordFold } from './record-fold.ts'
import type { SessionRecord } from './record.ts'

/** One user's records. */
export interface History {
  readonly userId: string
  readonly createdAt: EpochMs
  /** `null`: the profile was removed and its history kept. */
  readonly profile: Profile | null
  readonly records: readonly SessionRecord[]
}

/** So many histories are asked for in one go, while those before them are gone through: it hides the way to the store and back. */
const ASKED_AT_ONCE = 8

/** The records of every user of an app in order of their ids, those after `afterUserId`; a few users' at a time in memory. */
export async function* histories(
  store: Pick<Store, 'owners' | 'entries'>,
  appId: string,
  rules: SessionRules,
  afterUserId: string | null = null,
): AsyncGenerator<History> {
  const owners: StoredOwner[] = []
  const ahead: Promise<History>[] = []
  const ask = () => {
    for (const { userId, profile } of owners.splice(0))
      ahead.push(settled(readHistory(store, appId, userId, profile, rules)))
  }
  try {
    for await (const owner of store.owners(appId, afterUserId)) {
      if (owners.push(owner) < ASKED_AT_ONCE) continue
      ask()
      while (ahead.length > ASKED_AT_ONCE) yield (await ahead.shift()) as History
    }
    ask()
    for (const next of ahead.splice(0)) yield await next
  } finally {
    // Whoever leaves early leaves no read behind that is in flight when the store closes.
    await Promise.allSettled(ahead)
  }
}

/** One user's records. */
export async function readHistory(
  store: Pick<Store, 'entries'>,
  appId: string,
  userId: string,
  profile: Profile | null,
  rules: SessionRules,
): Promise<History> {
  const fold = new RecordFold(rules)
  for await (const { entry } of store.entries({ appId, userId })) fold.add(entry)
  const records = fold.records()
  const createdAt = profile?.createdAt ?? fold.createdAt ?? records[0]?.startedAt ?? 0
  return { userId, createdAt, profile, records }
}

/** A failure is told when its turn comes, and not before as nobody's. */
function settled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}
