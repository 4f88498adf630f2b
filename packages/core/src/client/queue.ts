import type { EpochMs } from '../clock.ts'
import { MAX_BATCH_ACTIONS, MAX_BATCH_USERS } from '../protocol/limits.ts'
import type { QueuedAction } from './action.ts'
import { laneOf } from './identity.ts'

/** The actions of one profile, in order. At most one request at a time carries any of them. */
export interface Lane {
  /** The profile's, and that of the user it signs in as: both are one to the server as soon as that has arrived. */
  readonly keys: string[]
  actions: QueuedAction[]
  /** Those before `head` are taken; shifting an array of 100,000 for each of them would be quadratic. */
  head: number
  /** Failures in a row. */
  attempts: number
  /** 0 when it need not wait. */
  notBefore: EpochMs
}

/** What goes in one request. */
export type Batch = readonly { readonly lane: Lane; readonly actions: readonly QueuedAction[] }[]

/** What waits, by profile. Counts what is in flight as well: it is here until its own success. */
export interface Queue {
  readonly count: number
  readonly bytes: number
  readonly waiting: number
  put(action: QueuedAction): void
  /** The next request: the oldest profiles first, none twice. Empty when nothing may go now. */
  take(maxBytes: number): Batch
  /** Ends the flight of a lane: `again` goes back to its front, to wait until `notBefore` unless that is 0. */
  land(lane: Lane, again: readonly QueuedAction[], notBefore: EpochMs): void
  /** Gives an action a lane of its own, without a key: the others of its profile need not wait for it. */
  setAside(action: QueuedAction, notBefore: EpochMs): void
  /** An action has met its fate. */
  settled(action: QueuedAction): void
  /** Makes ready whatever has waited long enough; tells when the next will have, or 0. */
  wake(now: EpochMs): EpochMs
  /** Takes out the oldest action of the profile that has waited longest; nothing if everything is in flight. */
  evict(): QueuedAction | undefined
  /** Takes out what is of the profile, or everything, as far as it is not in flight. */
  takeOut(key?: string): QueuedAction[]
}

export function createQueue(): Queue {
  const lanes = new Map<string, Lane>()
  const ready = new Set<Lane>()
  const delayed = new Set<Lane>()
  let count = 0
  let bytes = 0
  let waiting = 0

  function place(lane: Lane, notBefore: EpochMs): void {
    lane.notBefore = notBefore
    if (lane.head < lane.actions.length) (notBefore ? delayed : ready).add(lane)
    // An empty lane is forgotten: memory follows what is pending, not how many users there ever were.
    else for (const key of lane.keys) lanes.delete(key)
  }

  /** Puts other actions into a lane. */
  function refill(lane: Lane, actions: QueuedAction[]): void {
    lane.actions = actions
    lane.head = 0
    // One that is in flight is placed when it lands.
    if (!actions.length && (ready.delete(lane) || delayed.delete(lane))) place(lane, 0)
  }

  const restOf = ({ actions, head }: Lane) => actions.slice(head)

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
      if (!lane) {
        lane = newLane([key], [])
        lanes.set(key, lane)
        ready.add(lane)
      }
      lane.actions.push(action)
      const signedIn = signedInLane(action)
      if (signedIn && !lanes.has(signedIn)) {
        lane.keys.push(signedIn)
        lanes.set(signedIn, lane)
      }
    },

    take(maxBytes) {
      const batch: { lane: Lane; actions: QueuedAction[] }[] = []
      let room = MAX_BATCH_ACTIONS
      let taken = 0
      let size = 0
      let users = 0
      for (const lane of ready) {
        // One that was set aside has no key, but a user.
        users += lane.keys.length || 1
        if (taken && users > MAX_BATCH_USERS) break
        const { head } = lane
        for (const action of restOf(lane)) {
          const roomWith = Math.min(room, action.trouble?.room ?? room)
          if (taken >= roomWith || (taken && size + action.bytes > maxBytes)) break
          room = roomWith
          taken += 1
          size += action.bytes
          lane.head += 1
        }
        if (lane.head === head) break
        batch.push({ lane, actions: lane.actions.slice(head, lane.head) })
        ready.delete(lane)
      }
      waiting -= taken
      return batch
    },

    land(lane, again, notBefore) {
      lane.attempts = notBefore && lane.attempts + 1
      waiting += again.length
      refill(lane, again.concat(restOf(lane)))
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
      let next = 0
      for (const lane of delayed) {
        if (lane.notBefore <= now) {
          delayed.delete(lane)
          place(lane, 0)
        } else next = Math.min(next || lane.notBefore, lane.notBefore)
      }
      return next
    },

    evict() {
      const [lane] = ready.size ? ready : delayed
      if (!lane) return undefined
      const oldest = lane.actions[lane.head]
      lane.head += 1
      waiting -= 1
      if (lane.head * 2 > lane.actions.length) refill(lane, restOf(lane))
      return oldest
    },

    takeOut(key) {
      const all: QueuedAction[] = []
      for (const lane of new Set([...ready, ...delayed, ...lanes.values()])) {
        const isTheirs = !key || lane.keys.includes(key)
        refill(
          lane,
          restOf(lane).filter((action) => {
            if (!isTheirs && action.subject.lane !== key) return true
            all.push(action)
            return false
          }),
        )
      }
      waiting -= all.length
      return all
    },
  }
}

function newLane(keys: string[], actions: QueuedAction[]): Lane {
  return { keys, actions, head: 0, attempts: 0, notBefore: 0 }
}

/** The lane of the user that this action signs in (specification 4.3): what follows for them must not overtake it. */
function signedInLane({ action, args }: QueuedAction): string | false {
  const { newUserId } = (args ?? {}) as { readonly newUserId?: unknown }
  return action === 'setUserAttributes' && typeof newUserId === 'string' && laneOf(newUserId)
}
