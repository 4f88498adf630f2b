import { MINUTE_MS, systemClock, type Clock, type Timers, type Tracker } from '@damson/core'
import { unrefTimers } from './timers.ts'

export interface ConnectionOptions {
  /**
   * A session pauses when nothing came for so long, over any connection or request of this person. `null`: being
   * connected is being present. Milliseconds; default 5 minutes.
   */
  readonly idleMs?: number | null
  /** What closing the last connection does. Default `pause`: who is back within 30 minutes goes on. */
  readonly onClose?: 'pause' | 'stop'
}

/**
 * The people who are connected. Several connections of one browser are one presence, thus one session, and stay so when its
 * visitor signs in: a connection from before that closes says nothing of the user's session.
 */
export interface Presences {
  join(connection: object, tracker: Tracker, options: ConnectionOptions): void
  /** The person did something, wherever. */
  touch(tracker: Tracker): void
  leave(connection: object): void
  /** Stops waiting, and says nothing: the server's own time-outs end what nobody comes back to. */
  close(): void
}

interface Presence {
  /** Of whoever came last. */
  tracker: Tracker
  readonly options: ConnectionOptions
  readonly connections: Set<object>
  lastAt: number
  isIdle: boolean
  cancel: () => void
}

const IDLE_MS = 5 * MINUTE_MS
/** How often a connection that never idles says that it is there; far below the two hours of a session. */
const PRESENT_MS = 15 * MINUTE_MS

export function createPresences(
  onError: (error: unknown) => void,
  { clock = systemClock, timers = unrefTimers }: { clock?: Clock | undefined; timers?: Timers | undefined },
): Presences {
  const byPerson = new Map<string, Presence>()
  const byConnection = new Map<object, string>()
  const tell = (accepted: Promise<void>) => void accepted.catch(onError)

  function wake(presence: Presence): void {
    const { tracker } = presence
    if (tracker.session?.phase === 'paused') tell(tracker.resumeSession())
    if (!presence.isIdle) return
    presence.isIdle = false
    wait(presence, presence.options.idleMs === null ? PRESENT_MS : (presence.options.idleMs ?? IDLE_MS))
  }

  /** One timer each, set anew only when it fires: a busy connection costs nothing. */
  function wait(presence: Presence, delayMs: number): void {
    presence.cancel = timers.after(delayMs, () => look(presence), false)
  }

  function look(presence: Presence): void {
    const { tracker, options } = presence
    if (options.idleMs === null) {
      tell(tracker.ensureSession())
      return wait(presence, PRESENT_MS)
    }
    const restMs = presence.lastAt + (options.idleMs ?? IDLE_MS) - clock.now()
    if (restMs > 0) return wait(presence, restMs)
    presence.isIdle = true
    pause(tracker)
  }

  function pause(tracker: Tracker): void {
    const phase = tracker.session?.phase
    if (phase !== 'paused' && phase !== 'closed') tell(tracker.pauseSession())
  }

  return {
    join(connection, tracker, options) {
      const person = personOf(tracker)
      let presence = byPerson.get(person)
      if (presence === undefined) {
        const cancel = () => undefined
        presence = { tracker, options, connections: new Set(), lastAt: 0, isIdle: true, cancel }
        byPerson.set(person, presence)
      }
      presence.tracker = tracker
      presence.connections.add(connection)
      presence.lastAt = clock.now()
      byConnection.set(connection, person)
      wake(presence)
    },
    touch(tracker) {
      const presence = byPerson.get(personOf(tracker))
      if (presence === undefined) return
      presence.tracker = tracker
      presence.lastAt = clock.now()
      if (presence.isIdle) wake(presence)
    },
    leave(connection) {
      const person = byConnection.get(connection)
      const presence = person === undefined ? undefined : byPerson.get(person)
      if (person === undefined || presence === undefined) return
      byConnection.delete(connection)
      presence.connections.delete(connection)
      if (presence.connections.size > 0) return
      presence.cancel()
      byPerson.delete(person)
      if (presence.options.onClose !== 'stop') pause(presence.tracker)
      else if (presence.tracker.session?.phase !== 'closed') tell(presence.tracker.stop())
    },
    close() {
      for (const presence of byPerson.values()) presence.cancel()
      byPerson.clear()
      byConnection.clear()
    },
  }
}

/** A browser has one user at a time; without one it is the user. */
const personOf = ({ userId = '', deviceId }: Tracker) => (deviceId === undefined ? `u${userId}` : `d${deviceId}`)
