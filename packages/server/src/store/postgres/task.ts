import { keyOf, nameOf } from '../shelves.ts'
import type { Loaded, ProfileRef, Turn } from '../store.ts'
import type { Queued } from './queue.ts'

/** A turn that waits for its answer. */
export interface Task extends Queued<Task> {
  readonly ref: ProfileRef
  /** Those it names: `idsOf` its ref. */
  readonly ids: readonly string[]
  readonly decide: (loaded: Loaded) => Turn<unknown>
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
  /** When it came; monotonic milliseconds. */
  readonly since: number
  /** Its place among all turns of this process. */
  readonly order: number
  /** It turned out to need more than its subject's row: two profiles, news of a device, a history to move. */
  isWide: boolean
  /** It has to know all message ids of its profiles, not only those it asked for. */
  needsAllSeen: boolean
  /** Devices, besides its own, that it gives to somebody. */
  extraDevices: readonly string[]
  /** It waited for a row that somebody else held, together with turns that need not wait for it. */
  isAlone: boolean
  /** It wrote nothing, and what it saw was only remembered: it has to be read. */
  isUnsure: boolean
  /** How often what it was decided on had changed when it was to be written. */
  misses: number
  tries: number
  /** The turns it must keep its order with. */
  chain: object | null
}

/** The ids a turn names; turns of one process that name the same id keep their order. */
export function idsOf({ appId, userId, deviceId, otherUserId }: ProfileRef): string[] {
  const ids: string[] = []
  if (userId) ids.push(keyOf(appId, userId))
  if (deviceId && deviceId !== userId) ids.push(keyOf(appId, deviceId))
  if (otherUserId && otherUserId !== userId && otherUserId !== deviceId) ids.push(keyOf(appId, otherUserId))
  return ids
}

/** Whose row the turn is about when its device belongs to `owner`; refuses a ref that names nobody. */
export function subjectIdOf(ref: ProfileRef, owner: string | null): string {
  const { userId, deviceId } = ref
  return userId && userId !== deviceId ? userId : (owner ?? nameOf(ref))
}
