import type { EpochMs } from '@damson/core'
import type { Profile } from '../../engine/profile.ts'
import type { TemplateValues } from './template.ts'

/**
 * What the link to unsubscribe is called in a mail until it is sent: whoever sends it puts the address of this one in its
 * place. An address itself, so that whatever fills in templates takes it for one.
 */
export const UNSUBSCRIBE_PLACEHOLDER = 'https://unsubscribe.invalid/'

/** What is known beside the profile when a message is filled in. */
export interface Occasion {
  readonly now: EpochMs
  readonly deviceId: string | null
  readonly value?: Readonly<Record<string, unknown>>
  readonly parameter?: Readonly<Record<string, unknown>>
  readonly trigger?: string
}

export function templateValues(
  profile: Profile,
  { now, deviceId, value, parameter, trigger }: Occasion,
): TemplateValues {
  return {
    value: value ?? NOTHING,
    userAttribute: profile.attributes,
    parameter: parameter ?? NOTHING,
    place: { ...profile.place },
    userId: profile.userId,
    deviceId,
    trigger: trigger ?? '',
    now: new Date(now).toISOString(),
    unsubscribeUrl: UNSUBSCRIBE_PLACEHOLDER,
  }
}

const NOTHING = {}
