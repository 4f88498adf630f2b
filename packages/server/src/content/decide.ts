import type { EpochMs } from '@damson/core'
import type { Assignment, Profile } from '../engine/profile.ts'
import type { Matches } from './audience/index.ts'
import type { Leaves } from './leaves.ts'
import { messagesFor } from './messages/in-app.ts'
import { newlyTargeted } from './messages/sticky.ts'
import type { TemplateValues } from './messages/template.ts'
import { templateValues } from './messages/values.ts'
import type { Content } from './snapshot.ts'
import type { Json } from './source.ts'
import { type Given, variantsFor } from './tests.ts'
import { targetedLeaves, varsOf } from './variables.ts'

/** What a user is shown now. */
export interface Shown {
  readonly vars: Readonly<Record<string, Json>>
  /** Those that apps show, by id (specification 8.1). */
  readonly messages: Readonly<Record<string, unknown>>
  /** Testers and those who stay among them; not the chosen variants of finished tests. */
  readonly variants: readonly Given[]
  /** Seen for the first time: to be written to the profile, and told to the history. By test. */
  readonly entered: Readonly<Record<string, Assignment>> | null
  /** The sticky messages the user is meant by from now on: to be written to the profile. */
  readonly targeted: readonly number[]
}

/**
 * Decides the content for one user. A variable's value is that of a variant, else of an audience, else what was
 * published, else what the code has (specification 7.7). Of two tests with the same variable the one with the lower id
 * has its way. Audiences of tests see the variants a user was in before; audiences of variables those of now.
 */
export function decideContent(
  content: Content,
  profile: Profile,
  now: EpochMs,
  includeDefaults: boolean,
  deviceId: string | null = null,
): Shown {
  const given = variantsFor(content, profile, now)
  const entered = enteredIn(given, now)
  const settled = entered === null ? profile : { ...profile, variants: { ...profile.variants, ...entered } }
  const told = new Map<Matches, boolean>()
  const isIn = (matches: Matches): boolean => {
    let isMember = told.get(matches)
    if (isMember === undefined) told.set(matches, (isMember = matches(settled, now)))
    return isMember
  }
  const leaves = [...targetedLeaves(content.variables, isIn), ...leavesOf(given)]
  let known: TemplateValues | null = null
  const values = () => (known ??= templateValues(settled, { deviceId, now }))
  return {
    vars: varsOf(content.variables, leaves, includeDefaults),
    messages: messagesFor(content.messages, given, { profile: settled, now, isIn, values }),
    variants: given.filter(({ as }) => as !== 'chosen'),
    entered,
    targeted: newlyTargeted(content.messages, settled, now, isIn),
  }
}

/** Later ones are set over earlier ones, so the first test goes last. */
function leavesOf(given: readonly Given[]): Leaves {
  return given.toReversed().flatMap(({ variant }) => variant.leaves)
}

/** Those a user is in for the first time; `null` if there are none. */
export function enteredIn(given: readonly Given[], at: EpochMs): Record<string, Assignment> | null {
  let entered: Record<string, Assignment> | null = null
  for (const { variant, as } of given) {
    if (as !== 'enters') continue
    entered ??= {}
    entered[variant.testId] = { variantId: variant.id, at }
  }
  return entered
}
