import type { EpochMs } from '@damson/core'
import { CODE_DOCUMENT } from '../content/documents.ts'
import { decideContent, type Shown } from '../content/decide.ts'
import { planContent } from '../content/plan.ts'
import { compileContent } from '../content/snapshot.ts'
import { type ContentSource, type Json, NO_CODE } from '../content/source.ts'
import { emptyProfile } from '../engine/draft.ts'
import type { Profile } from '../engine/profile.ts'

/** Who asks: whatever is not said of them is as of somebody new. */
export type Somebody = Partial<Profile> & Pick<Profile, 'userId'>

/**
 * Content as a function of a user, without a server: to try out audiences and tests, and to measure. `defaults` are the
 * variables of the app's code by dotted name.
 * @throws {Error} what `damson content apply` would complain of
 */
export function contentDecider(
  content: ContentSource,
  defaults: Readonly<Record<string, Json>> = {},
): (somebody: Somebody, now: EpochMs, includeDefaults?: boolean) => Shown {
  const code = [CODE_DOCUMENT, { ...NO_CODE, defaults }] as const
  const plan = planContent(content, { documents: new Map([code]) }, 0)
  if (!plan.ok) throw new Error(plan.problems.map(({ path, reason }) => `${path.join('.')}: ${reason}`).join('; '))
  const compiled = compileContent(new Map([code, ...Object.entries(plan.put)]))
  return (somebody, now, includeDefaults = true) =>
    decideContent(compiled, { ...emptyProfile(somebody.userId, now), ...somebody }, now, includeDefaults)
}
