import { entriesOf } from '../../engine/entries-text.ts'
import { profileOf } from '../../engine/profile-text.ts'
import type { Profile } from '../../engine/profile.ts'
import type { EntryQuery, StoredEntry, StoredOwner } from '../store.ts'
import { BUCKETS, bucketOf, decodeId, encodeId } from './keys.ts'
import type { PostgresResult } from './pool.ts'

const PROFILES_PER_PAGE = 250
const ENTRIES_PER_PAGE = 2_000

/** Runs one statement that only reads. */
export type Read = (text: string, values: readonly unknown[]) => Promise<PostgresResult['rows']>

const PROFILE_PAGE = `SELECT user_id, doc FROM profiles WHERE bucket = $1 AND app_id = $2 AND user_id > $3
  ORDER BY user_id LIMIT ${PROFILES_PER_PAGE}`

/** Bucket by bucket, a page at a time. */
export async function* walkProfiles(read: Read, appId: string): AsyncGenerator<Profile> {
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    for (let after = ''; ;) {
      const page = await read(PROFILE_PAGE, [bucket, encodeId(appId), after])
      for (const { doc } of page) if (typeof doc === 'string') yield profileOf(doc)
      const last = page.at(-1)
      if (last === undefined) break
      after = String(last.user_id)
    }
  }
}

/** The same with those whose profile is gone and whose history was kept; from `after` on, in its bucket and the next ones. */
export async function* walkOwners(read: Read, appId: string, after: string | null): AsyncGenerator<StoredOwner> {
  const first = after === null ? 0 : bucketOf(appId, after)
  for (let bucket = first; bucket < BUCKETS; bucket += 1) {
    for (let last = bucket === first && after !== null ? encodeId(after) : ''; ;) {
      const page = await read(PROFILE_PAGE, [bucket, encodeId(appId), last])
      for (const { user_id: id, doc } of page)
        yield { userId: decodeId(String(id)), profile: typeof doc === 'string' ? profileOf(doc) : null }
      const end = page.at(-1)
      if (end === undefined) break
      last = String(end.user_id)
    }
  }
}

const ENTRY_PAGE = `SELECT user_id, id, data FROM entries
  WHERE bucket = $1 AND app_id = $2 AND (user_id, id) > ($3, $4::uuid) ORDER BY user_id, id LIMIT ${ENTRIES_PER_PAGE}`
const USER_ENTRY_PAGE = `SELECT user_id, id, data FROM entries
  WHERE bucket = $1 AND app_id = $2 AND user_id = $3 AND id > $4::uuid ORDER BY id LIMIT ${ENTRIES_PER_PAGE}`
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000'

export async function* walkEntries(read: Read, { appId, userId }: EntryQuery): AsyncGenerator<StoredEntry> {
  if (userId !== undefined)
    return yield* walkBucket(read, USER_ENTRY_PAGE, bucketOf(appId, userId), appId, encodeId(userId))
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) yield* walkBucket(read, ENTRY_PAGE, bucket, appId, '')
}

async function* walkBucket(
  read: Read,
  text: string,
  bucket: number,
  appId: string,
  from: string,
): AsyncGenerator<StoredEntry> {
  for (let [user, after] = [from, BEFORE_ALL]; ;) {
    const page = await read(text, [bucket, encodeId(appId), user, after])
    for (const { user_id: id, data } of page)
      for (const entry of entriesOf(String(data))) yield { userId: decodeId(String(id)), entry }
    const last = page.at(-1)
    if (last === undefined) return
    user = String(last.user_id)
    after = String(last.id)
  }
}
