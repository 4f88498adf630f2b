import type { EpochMs } from '../clock.ts'
import { MAX_BATCH_ACTIONS, MAX_BATCH_USERS } from '../protocol/limits.ts'
import type { QueuedAction } from './action.ts'
import type { Batch, Core, Lane } from './core.ts'
import { laneOf } from './identity.ts'

/** Gives an action its place behind the others of its profile. */
export function put(core: Core, action: QueuedAction): void {
  const { lanes } = core
  core.count += 1
  core.bytes += action.bytes
  core.waiting += 1
  const key = action.subject.lane
  let lane = lanes.get(key)
  if (lane) lane.actions.push(action)
  else {
    lane = newLane([key], [action])
    lanes.set(key, lane)
    core.ready.add(lane)
  }
  const signedIn = signedInLane(action)
  if (signedIn && !lanes.has(signedIn)) {
    lane.keys.push(signedIn)
    lanes.set(signedIn, lane)
  }
}

/** The next request: the oldest profiles first, none twice. Empty when nothing may go now. */
export function nextBatch(core: Core): Batch {
  const batch: { lane: Lane; actions: QueuedAction[] }[] = []
  let room = MAX_BATCH_ACTIONS
  let taken = 0
  let size = 0
  let users = 0
  for (const lane of core.ready) {
    // One that was set aside has no key, but a user.
    users += lane.keys.length || 1
    if (taken && users > MAX_BATCH_USERS) break
    const { actions, head } = lane
    // No more than it may take: thousands may wait.
    for (const action of actions.slice(head, head + room)) {
      const roomWith = Math.min(room, action.trouble?.room ?? room)
      if (taken >= roomWith || (taken && size + action.bytes > 4 * core.flushBytes)) break
      room = roomWith
      taken += 1
      size += action.bytes
      lane.head += 1
    }
    if (lane.head === head) break
    batch.push({ lane, actions: actions.slice(head, lane.head) })
    core.ready.delete(lane)
  }
  core.waiting -= taken
  return batch
}

/** Ends the flight of a lane: `again` goes back to its front, to wait until `notBefore` unless that is 0. */
export function land(core: Core, lane: Lane, again: readonly QueuedAction[], notBefore: EpochMs): void {
  lane.attempts = notBefore && lane.attempts + 1
  core.waiting += again.length
  // What is gone is cut off when it is the larger half: else each request would copy all that waits behind it.
  if (again.length || lane.head * 2 > lane.actions.length) refill(core, lane, again.concat(restOf(lane)))
  place(core, lane, notBefore)
}

/** Gives an action a lane of its own, without a key: the others of its profile need not wait for it. */
export function setAside(core: Core, action: QueuedAction, notBefore: EpochMs): void {
  core.waiting += 1
  place(core, newLane([], [action]), notBefore)
}

/** Makes ready whatever has waited long enough; tells when the next will have, or 0. */
export function wake(core: Core, now: EpochMs): EpochMs {
  let next = 0
  for (const lane of core.delayed) {
    if (lane.notBefore <= now) {
      core.delayed.delete(lane)
      place(core, lane, 0)
    } else next = Math.min(next || lane.notBefore, lane.notBefore)
  }
  return next
}

/** Takes out the oldest action of the profile that has waited longest; nothing if everything is in flight. */
export function evict(core: Core): QueuedAction | undefined {
  const [lane] = core.ready.size ? core.ready : core.delayed
  if (!lane) return undefined
  const oldest = lane.actions[lane.head]
  lane.head += 1
  core.waiting -= 1
  if (lane.head * 2 > lane.actions.length) refill(core, lane, restOf(lane))
  return oldest
}

/** Takes out what is of the profile, or everything, as far as it is not in flight. */
export function takeOut(core: Core, key?: string): QueuedAction[] {
  const all: QueuedAction[] = []
  for (const lane of new Set([...core.ready, ...core.delayed, ...core.lanes.values()])) {
    const rest = restOf(lane).filter((action) => (key && !isTheirs(key, action, lane)) || !all.push(action))
    refill(core, lane, rest)
  }
  core.waiting -= all.length
  return all
}

/** Whether an action concerns the profile, or may, as it comes behind a sign-in. */
export function isTheirs(key: string, action: QueuedAction, lane: Lane): boolean {
  return action.subject.lane === key || lane.keys.includes(key)
}

function newLane(keys: string[], actions: QueuedAction[]): Lane {
  return { keys, actions, head: 0, attempts: 0, notBefore: 0 }
}

function restOf({ actions, head }: Lane): QueuedAction[] {
  return actions.slice(head)
}

function refill(core: Core, lane: Lane, actions: QueuedAction[]): void {
  lane.actions = actions
  lane.head = 0
  // One that is in flight is placed when it lands.
  if (!actions.length && (core.ready.delete(lane) || core.delayed.delete(lane))) place(core, lane, 0)
}

function place(core: Core, lane: Lane, notBefore: EpochMs): void {
  lane.notBefore = notBefore
  if (lane.head < lane.actions.length) (notBefore ? core.delayed : core.ready).add(lane)
  // An empty lane is forgotten: memory follows what is pending, not how many users there ever were.
  else for (const key of lane.keys) core.lanes.delete(key)
}

/** The lane of the user that this action signs in (specification 4.3): what follows for them must not overtake it. */
function signedInLane({ action, args }: QueuedAction): string | false {
  const { newUserId } = (args ?? {}) as { readonly newUserId?: unknown }
  return action === 'setUserAttributes' && typeof newUserId === 'string' && laneOf(newUserId)
}
