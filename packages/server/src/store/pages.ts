import { entriesOf } from '../engine/entries-text.ts'
import { profileOf } from '../engine/profile-text.ts'
import type { Profile } from '../engine/profile.ts'
import type { DeliveryMark, EntryPage, ProfileLine } from './backend.ts'
import type { Delivery, DeliveryQuery } from './deliveries.ts'
import type { StoredEntry, StoredOwner } from './store.ts'

/** Walks over profiles a page at a time, so that memory stays small however many there are. */
export async function* readProfiles(
  readPage: (afterUserId: string | null) => Promise<readonly ProfileLine[]>,
): AsyncGenerator<Profile> {
  for (let after: string | null = null; ;) {
    const page: readonly ProfileLine[] = await readPage(after)
    for (const { doc } of page) if (doc !== null) yield profileOf(doc)
    const last = page.at(-1)
    if (last === undefined) return
    after = last.userId
  }
}

/** The same for everybody with a history, whether or not the profile is still there. */
export async function* readOwners(
  after: string | null,
  readPage: (afterUserId: string | null) => Promise<readonly ProfileLine[]>,
): AsyncGenerator<StoredOwner> {
  for (let last = after; ;) {
    const page: readonly ProfileLine[] = await readPage(last)
    for (const { userId, doc } of page) yield { userId, profile: doc === null ? null : profileOf(doc) }
    const end = page.at(-1)
    if (end === undefined) return
    last = end.userId
  }
}

/** The same for histories. */
export async function* readEntries(readPage: (after: number) => Promise<EntryPage>): AsyncGenerator<StoredEntry> {
  for (let after: number | null = 0; after !== null;) {
    const page: EntryPage = await readPage(after)
    for (const { userId, data } of page.lines) {
      for (const entry of entriesOf(data)) yield { userId, entry }
    }
    after = page.next
  }
}

/** The same for deliveries. */
export async function* readDeliveries(
  { status }: DeliveryQuery,
  readPage: (after: DeliveryMark | null) => Promise<readonly Delivery[]>,
): AsyncGenerator<Delivery> {
  for (let after: DeliveryMark | null = null; ;) {
    const page: readonly Delivery[] = await readPage(after)
    yield* page
    const last = page.at(-1)
    if (last === undefined) return
    after = { at: (status === 'failed' ? last.failedAt : null) ?? last.dueAt, id: last.id }
  }
}
