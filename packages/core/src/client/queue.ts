import type { EpochMs } from '../clock.ts'
import type { QueuedAction } from './action.ts'
import { laneOf } from './identity.ts'

/** The actions of one profile, in order. At most one request at a time carries any of them. */
export interface Lane {
  /** The profile's, and that of the user it signs in as: both are one to the server as soon as that has arrived. */
  readonly keys: string[]
  /** Holds one action that was set aside from the lane of its profile, and has no key. */
  readonly isAside: boolean
  /** Those before `head` are taken; shifting an array of 100,000 for each batch would be quadratic. */
  actions: QueuedAction[]
  head: number
  /** Failures in a row. */
  attempts: number
  notBefore: EpochMs
}

export interface Batch {
  readonly chunks: readonly { readonly lane: Lane; readonly actions: readonly QueuedAction[] }[]
}

export interface BatchLimits {
  readonly actions: number
  readonly users: number
  readonly bytes: number
}

/** What waits, by profile. Counts what is in flight as well: it is here until its own success. */
export interface Queue {
  readonly count: number
  readonly bytes: number
  readonly waiting: number
  put(action: QueuedAction): void
  /** The next request: the oldest profiles first, none twice. `null` when nothing may go now. */
  take(limits: BatchLimits): Batch | null
  /** Ends the flight of a lane: `again` goes back to its front, at `notBefore` at the earliest. */
  land(lane: Lane, again: readonly QueuedAction[], notBefore: EpochMs | null): void
  /** Gives an action a lane of its own: the others of its profile need not wait for it. */
  setAside(action: QueuedAction, notBefore: EpochMs): void
  /** An action has met its fate. */
  settled(action: QueuedAction): void
  /** Makes ready whatever has waited long enough; tells when the next will have, or `null`. */
  wake(now: EpochMs): EpochMs | null
  /** Takes out the oldest action of the profile that has waited longest. `null`: everything is in flight. */
  evict(): QueuedAction | null
  /** Takes out what `isMeant` says, as far as it is not in flight. */
  takeOut(isMeant: (action: QueuedAction, lane: Lane) => boolean): QueuedAction[]
}

export function createQueue(): Queue {
  const lanes = new Map<string, Lane>()
  const ready = new Set<Lane>()
  const delayed = new Set<Lane>()
  let count = 0
  let bytes = 0
  let waiting = 0

  function place(lane: Lane, notBefore: EpochMs | null): void {
    if (lane.head === lane.actions.length) {
      // An empty lane is forgotten: memory follows what is pending, not how many users there ever were.
      for (const key of lane.keys) lanes.delete(key)
      return
    }
    lane.notBefore = notBefore ?? 0
    ;(notBefore === null ? ready : delayed).add(lane)
  }

  return {
    get count() {
      return count
    },
    get bytes() {
      return bytes
    },
    get waiting() {
      return waiting
    },

    put(action) {
      count += 1
      bytes += action.bytes
      waiting += 1
      const key = action.subject.lane
      let lane = lanes.get(key)
      if (lane === undefined) {
        lane = newLane([key], [])
        lanes.set(key, lane)
        ready.add(lane)
      }
      lane.actions.push(action)
      const signedIn = signedInLane(action)
      if (signedIn !== null && !lanes.has(signedIn)) {
        lane.keys.push(signedIn)
        lanes.set(signedIn, lane)
      }
    },

    take(limits) {
      const chunks: { lane: Lane; actions: QueuedAction[] }[] = []
      let taken = 0
      let size = 0
      let room = limits.actions
      let users = 0
      for (const lane of ready) {
        // One that was set aside has no key, but a user.
        const its = Math.max(lane.keys.length, 1)
        if (taken > 0 && users + its > limits.users) break
        users += its
        const first = lane.head
        let next = first
        while (next < lane.actions.length) {
          const action = lane.actions[next]!
          const roomWith = Math.min(room, action.trouble?.room ?? room)
          if (taken + 1 > roomWith || (taken > 0 && size + action.bytes > limits.bytes)) break
          room = roomWith
          taken += 1
          size += action.bytes
          next += 1
        }
        if (next === first) break
        chunks.push({ lane, actions: lane.actions.slice(first, next) })
        advance(lane, next)
        ready.delete(lane)
      }
      waiting -= taken
      return taken === 0 ? null : { chunks }
    },

    land(lane, again, notBefore) {
      lane.attempts = notBefore === null ? 0 : lane.attempts + 1
      if (again.length > 0) {
        lane.actions = [...again, ...lane.actions.slice(lane.head)]
        lane.head = 0
        waiting += again.length
      }
      place(lane, notBefore)
    },

    setAside(action, notBefore) {
      waiting += 1
      place(newLane([], [action]), notBefore)
    },

    settled(action) {
      count -= 1
      bytes -= action.bytes
    },

    wake(now) {
      let next: EpochMs | null = null
      for (const lane of delayed) {
        if (lane.notBefore <= now) {
          delayed.delete(lane)
          place(lane, null)
        } else if (next === null || lane.notBefore < next) next = lane.notBefore
      }
      return next
    },

    evict() {
      const lane: Lane | undefined = ready.values().next().value ?? delayed.values().next().value
      if (lane === undefined) return null
      const oldest = lane.actions[lane.head]!
      advance(lane, lane.head + 1)
      waiting -= 1
      if (lane.head === lane.actions.length && (ready.delete(lane) || delayed.delete(lane))) place(lane, null)
      return oldest
    },

    takeOut(isMeant) {
      const all: QueuedAction[] = []
      for (const lane of new Set([...ready, ...delayed, ...lanes.values()])) {
        lane.actions = lane.actions
          .slice(lane.head)
          .filter((action) => !isMeant(action, lane) || all.push(action) === 0)
        lane.head = 0
        // One that is in flight is placed when it lands.
        if (ready.delete(lane) || delayed.delete(lane)) place(lane, lane.notBefore || null)
      }
      waiting -= all.length
      return all
    },
  }
}

function newLane(keys: string[], actions: QueuedAction[]): Lane {
  return { keys, isAside: keys.length === 0, actions, head: 0, attempts: 0, notBefore: 0 }
}

/** Beyond this many taken places the array is cut; below it, cutting costs more than it frees. */
const SLACK = 1_024

function advance(lane: Lane, head: number): void {
  if (head === lane.actions.length) {
    lane.actions = []
    lane.head = 0
  } else if (head >= SLACK && head * 2 >= lane.actions.length) {
    lane.actions = lane.actions.slice(head)
    lane.head = 0
  } else lane.head = head
}

/** The lane of the user that this action signs in (specification 4.3): what follows for them must not overtake it. */
function signedInLane({ action, args }: QueuedAction): string | null {
  const newUserId = action === 'setUserAttributes' && args !== undefined && 'newUserId' in args && args.newUserId
  return typeof newUserId === 'string' ? laneOf(newUserId) : null
}
