import type { EpochMs } from '@damson/core'
import type { Profile } from '../engine/profile.ts'
import { draw, pick, type Point, pointOf } from './assign.ts'
import type { Content, Test, Variant } from './snapshot.ts'

/** A variant a user gets. */
export interface Given {
  readonly variant: Variant
  /** `stays`: was in it before; `enters`: now for the first time; `tests`: is a tester; `chosen`: the test is over. */
  readonly as: 'stays' | 'enters' | 'tests' | 'chosen'
}

/** The variants a user gets now, in the order of the tests' ids. Pure: the same for the same user on every node. */
export function variantsFor({ tests }: Content, profile: Profile, now: EpochMs): readonly Given[] {
  if (tests.length === 0) return []
  const point = pointOf(profile.userId)
  const given: Given[] = []
  for (const test of tests) {
    const one = variantOf(test, profile, point, now)
    if (one !== null) given.push(one)
  }
  return given
}

function variantOf(test: Test, profile: Profile, point: Point, now: EpochMs): Given | null {
  const { source, byId } = test
  const tester = byId.get(ownNumber(source.testers, profile.userId))
  if (tester !== undefined && source.state !== 'finished') return { variant: tester, as: 'tests' }
  if (source.state === 'finished') {
    const chosen = byId.get(source.chosenVariant ?? NaN)
    return chosen !== undefined && test.matches(profile, now) ? { variant: chosen, as: 'chosen' } : null
  }
  if (source.state === 'draft' || now < test.startAt || now >= test.endAt) return null

  const id = String(test.id)
  const kept = byId.get(Object.hasOwn(profile.variants, id) ? profile.variants[id]!.variantId : NaN)
  if (kept !== undefined) return source.sticky || test.matches(profile, now) ? { variant: kept, as: 'stays' } : null
  if (draw(point, test.seed) >= test.share || !test.matches(profile, now)) return null
  const variant = test.variants[pick(point, test.variants)]
  return variant === undefined ? null : { variant, as: 'enters' }
}

function ownNumber(map: Readonly<Record<string, number>> | undefined, key: string): number {
  return map !== undefined && Object.hasOwn(map, key) ? (map[key] ?? NaN) : NaN
}
