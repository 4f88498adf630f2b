import type { EpochMs } from '@damson/core'
import type { Profile } from '../../engine/profile.ts'
import type { Matches } from '../audience/index.ts'
import type { Message, Messages } from './compile.ts'
import { isWithin } from './term.ts'

const NONE: readonly number[] = []

/** Whether a message stays with a user whatever becomes of them: it is sticky, and they were in its audience once. */
export function staysWith({ id, source }: Message, { targeted }: Profile): boolean {
  return source.sticky === true && targeted !== undefined && Object.hasOwn(targeted, id)
}

/** The ids of the sticky messages, of all channels, that a user is in the audience of for the first time. */
export function newlyTargeted(
  { sticky }: Messages,
  profile: Profile,
  now: EpochMs,
  isIn: (matches: Matches) => boolean,
): readonly number[] {
  if (sticky.length === 0) return NONE
  const found = sticky.filter((one) => isWithin(one, now) && !staysWith(one, profile) && isIn(one.matches))
  return found.map(({ id }) => id)
}
