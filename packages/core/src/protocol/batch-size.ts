import { coerceId, INVALID } from './coerce.ts'
import { MAX_BATCH_ACTIONS, MAX_BATCH_USERS, MAX_SDK_BATCH_ACTIONS } from './limits.ts'
import { isAbsent } from './raw-args.ts'
import type { RawArgs } from './raw-args.ts'

/** Whether a `multi` is so large that none of it is done (specification 8.11). */
export function isBatchTooLarge(actions: readonly RawArgs[], outer: RawArgs): boolean {
  const maxActions = isAbsent(outer.sdkVersion) ? MAX_BATCH_ACTIONS : MAX_SDK_BATCH_ACTIONS
  return actions.length > maxActions || countUsers(actions, outer) > MAX_BATCH_USERS
}

/** How many users a batch concerns; one known by device only counts by the device. Actions about nobody do not count. */
export function countUsers(actions: readonly RawArgs[], outer: RawArgs): number {
  const users = new Set<string>()
  for (const action of actions) {
    const userId = firstPresent(action.userId, outer.userId)
    const id = coerceId(isAbsent(userId) ? firstPresent(action.deviceId, outer.deviceId) : userId)
    if (id !== INVALID && id !== '') users.add(id)
  }
  return users.size
}

function firstPresent(own: unknown, outer: unknown): unknown {
  return isAbsent(own) ? outer : own
}
