import { DAY_MS, type EpochMs } from '@damson/core'
import { entriesText } from '../../engine/entries-text.ts'
import { profileText } from '../../engine/profile-text.ts'
import type { NewDelivery } from '../deliveries.ts'
import type { Draft } from '../group.ts'
import { dayOf, entryId, nextTail } from './entry-ids.ts'
import { encodeId, keyAt } from './keys.ts'
import { type ProfileKey, profileKey } from './load.ts'
import type { Row, Work } from './work.ts'

/** What a group makes of one profile, by the names of the columns. */
export interface RowLines {
  readonly row: Row
  readonly key: ProfileKey
  readonly profile: { readonly doc: string | null; readonly wake_at: EpochMs | null; readonly tail: number }
  readonly hasNewDevices: boolean
  /** Its part of the history; `null`: nothing happened to it. */
  readonly entry: { readonly id: string; readonly day: number; readonly data: string } | null
  readonly seen: readonly object[]
  readonly deliveries: readonly object[]
}

export interface Dating {
  readonly now: EpochMs
  /** Random digits for the id of an entry. */
  digits(): string
}

/** Every profile that is written; those that are gone are none of it. */
export function linesOf({ rows, group }: Work, dating: Dating): RowLines[] {
  const lines: RowLines[] = []
  for (const [pid, row] of rows) {
    const draft = group.drafts.get(pid)
    const hasNewDevices = !isSame(row.devices, row.devicesBefore)
    if (group.gone.has(pid) || (draft === undefined && !hasNewDevices)) continue
    lines.push(linesOfRow(row, draft, dating, hasNewDevices))
  }
  return lines
}

function linesOfRow(row: Row, draft: Draft | undefined, { now, digits }: Dating, hasNewDevices: boolean): RowLines {
  const { held } = row
  // Of each change, not only of those with history: it tells versions of the row apart.
  row.tail = nextTail(row.tail, now)
  return {
    row,
    key: profileKey(keyAt(held.appId, held.userId)),
    profile: {
      doc: held.profile === null ? null : profileText(held.profile),
      wake_at: held.wakeAt,
      tail: row.tail,
    },
    hasNewDevices,
    entry:
      draft === undefined || draft.entries.length === 0
        ? null
        : { id: entryId(row.tail, digits()), day: dayOf(row.tail), data: entriesText(draft.entries) },
    seen: draft === undefined || draft.seen.length === 0 ? NOTHING : seenLines(draft.seen),
    deliveries: draft === undefined || draft.deliveries === null ? NOTHING : draft.deliveries.map(deliveryLine),
  }
}

const NOTHING: readonly object[] = []

/** Each once: a statement may not change a row twice. */
function seenLines(seen: Draft['seen']): readonly object[] {
  const lines = new Map<string, object>()
  for (const { digest, answer, at } of seen) lines.set(digest, { digest, day: Math.floor(at / DAY_MS), at, answer })
  return [...lines.values()]
}

function deliveryLine({ id, kind, dueAt, data }: NewDelivery): object {
  return { id: encodeId(id), kind, due_at: dueAt, failed_at: null, attempt: 0, note: null, data }
}

function isSame(one: ReadonlySet<string>, two: ReadonlySet<string>): boolean {
  if (one === two) return true
  if (one.size !== two.size) return false
  for (const id of one) if (!two.has(id)) return false
  return true
}
