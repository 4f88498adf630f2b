import type { Draft } from './draft.ts'
import type { Device } from './profile.ts'
import type { Scene } from './scene.ts'

/** What is kept of a device (specification 7.6). `versionName`, the SDKs' word, is `appVersion` by the time it is here. */
export const DEVICE_FIELDS = [
  'appVersion',
  'systemName',
  'systemVersion',
  'browserName',
  'browserVersion',
  'deviceName',
  'deviceModel',
  'iosPushToken',
  'gcmRegistrationId',
  'webPushSubscription',
  'huaweiPushRegId',
  'iosPushTypes',
  'iosPushCategories',
  'richPushEnabled',
  'versionCode',
  'limitTracking',
  'installDate',
  'updateDate',
] as const

/** Who registered a device for development; not part of what `exportUser` tells. */
export const DEVELOPER_FIELD = 'developerEmail'

/** Makes a device known to the profile and takes over the fields that are given; the others stay. */
export function setDevice(draft: Draft, deviceId: string | null, given: Readonly<Record<string, unknown>>): void {
  if (deviceId === null) return
  const known = Object.hasOwn(draft.profile.devices, deviceId) ? draft.profile.devices[deviceId] : undefined
  let changed: Record<string, string | number | boolean> | null = known === undefined ? {} : null
  for (const field of DEVICE_FIELDS) {
    const value = asField(given[field])
    if (value === undefined || known?.[field] === value) continue
    changed ??= {}
    changed[field] = value
  }
  if (changed !== null) draft.devices()[deviceId] = { ...known, ...changed }
}

/** `versionName` is what SDKs call `appVersion`; the latter wins (specification 7.6). */
export function withVersion(args: { readonly appVersion?: string }, { common }: Scene): Record<string, unknown> {
  return { ...args, appVersion: args.appVersion ?? common.versionName ?? undefined }
}

function asField(value: unknown): Device[string] | undefined {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value
    case 'object':
      return value === null ? undefined : JSON.stringify(value)
    default:
      return undefined
  }
}
