import type { EpochMs } from '@damson/core'
import type { Draft } from './draft.ts'
import type { Assignment } from './profile.ts'
import { sessionOf } from './story.ts'

/** Writes down which variants a user sees for the first time, by test, and tells the history: an impression each. */
export function enterTests(
  draft: Draft,
  entered: Readonly<Record<string, Pick<Assignment, 'variantId'>>>,
  { at, deviceId }: { readonly at: EpochMs; readonly deviceId: string | null },
): void {
  const session = sessionOf(draft.profile, deviceId ?? '')
  const record = session.phase === 'closed' ? null : session.run.id
  const profile = draft.edit()
  const variants = { ...profile.variants }
  for (const [testId, { variantId }] of Object.entries(entered)) {
    variants[testId] = { variantId, at }
    draft.entries.push({ kind: 'variantEntered', at, record, testId: Number(testId), variantId })
  }
  profile.variants = variants
}
