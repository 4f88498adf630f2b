import { DEVELOPER_FIELD } from './devices.ts'
import type { Profile } from './profile.ts'
import type { Scene } from './scene.ts'

/**
 * What `start` and `getVars` give an app to show (specification 8.1). There is no content yet, so each field is there
 * and empty, in the JSON kind the SDKs rely on.
 */
export function content(): Record<string, unknown> {
  return { vars: {}, messages: {}, variants: [], regions: {}, interfaceRules: [], interfaceEvents: [] }
}

/** What `start` adds to the content: news of the inbox, a token, and in devMode whether the device is registered. */
export function startContent(profile: Profile, { services, common }: Scene): Record<string, unknown> {
  const device = common.deviceId === null ? undefined : profile.devices[common.deviceId]
  const isRegistered = device?.[DEVELOPER_FIELD] !== undefined
  return {
    ...content(),
    syncNewsfeed: false,
    token: services.token(),
    ...(common.devMode && { isRegistered, isRegisteredFromOtherApp: false }),
  }
}
