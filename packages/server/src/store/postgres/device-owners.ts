import { LRUCache } from 'lru-cache'
import { keyOf } from '../shelves.ts'
import type { Work } from './work.ts'

const REMEMBERED = 200_000

/**
 * To whom devices led when this process last looked: a guess, which the row of the user confirms once it is locked. With it
 * a turn that names a device is about one row only.
 */
export interface DeviceOwners {
  get(appId: string, deviceId: string): string | undefined
  forget(appId: string, deviceId: string): void
  /** Takes over what a committed transaction knew. */
  learn(work: Work): void
  clear(): void
}

export function createDeviceOwners(): DeviceOwners {
  const owners = new LRUCache<string, string>({ max: REMEMBERED })
  return {
    get: (appId, deviceId) => owners.get(keyOf(appId, deviceId)),
    forget: (appId, deviceId) => void owners.delete(keyOf(appId, deviceId)),
    learn({ group, rows }) {
      for (const { appId, deviceId, pid } of group.devices.values())
        if (pid === 0) owners.delete(keyOf(appId, deviceId))
      for (const [pid, { held, devices }] of rows) {
        if (group.gone.has(pid)) continue
        for (const deviceId of devices) owners.set(keyOf(held.appId, deviceId), held.userId)
      }
    },
    clear: () => owners.clear(),
  }
}
