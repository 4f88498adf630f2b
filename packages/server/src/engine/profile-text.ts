import { emptyProfile } from './draft.ts'
import type { Profile } from './profile.ts'

/**
 * A profile as it is kept: JSON without what is empty. Most profiles have few of the fields a profile may have, and this text
 * is written again with every commit that touches one.
 */
export function profileText(profile: Profile): string {
  const kept: Record<string, unknown> = {}
  for (const name in profile) {
    const value = profile[name as keyof Profile]
    if (!isAsEmpty(value, NOBODY[name as keyof Profile])) kept[name] = value
  }
  return JSON.stringify(kept)
}

export function profileOf(text: string): Profile {
  return { ...emptyProfile('', 0), ...(JSON.parse(text) as Partial<Profile>) }
}

const NOBODY = emptyProfile('', 0)

/** Whether reading would put the same in its place: the very value, or a map or list that is as empty. */
function isAsEmpty(value: Profile[keyof Profile], nothing: Profile[keyof Profile]): boolean {
  if (value === nothing) return true
  if (typeof value !== 'object' || typeof nothing !== 'object' || value === null || nothing === null) return false
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0
}
