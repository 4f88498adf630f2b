import { type Clock, type EpochMs, MINUTE_MS, SECOND_MS } from '@damson/core'
import { Turnstile } from './turnstile.ts'

/** Calls to one destination at a time. A hanging one then holds this many sockets for 30 s, and no more. */
const LANE_CALLS = 16
/** How many may wait for their turn; more are given back to the store. */
const LANE_QUEUE = 240
const FULL_WAIT_MS = SECOND_MS
/** However many are before them. A lane that has become quicker than it was is not left waiting for longer. */
const TURN_WAIT_MAX_MS = MINUTE_MS
/** Of a lane that nobody knows yet. */
const PACE_AT_FIRST_MS = 4
/** Of how many calls, about, the pace of a lane is known by. */
const PACE_CALLS = 16
/** After so many failures in a row a destination is left alone for a while, then asked with one call. */
const FAILURES_MAX = 5
const COOLING_MS = MINUTE_MS
/** Above this, lanes nobody needs any more are forgotten. */
const LANES_MAX = 1_000

/** A place in a lane, or when to ask again. */
export type Admission = Place | { readonly laterAt: EpochMs }

export interface Place {
  /** Resolves when no other call of the lane is between here and `pass`, or its end. */
  alone(): Promise<void>
  pass(): void
  leave(isUp: boolean): void
}

/** Keeps destinations apart: each has a few calls at a time, and none while it is down. By process, in memory. */
export interface Lanes {
  /** `width`: calls at a time, if fewer than usual. */
  enter(origin: string, width?: number): Promise<Admission>
}

export function createLanes(clock: Clock): Lanes {
  const lanes = new Map<string, Lane>()

  function laneOf(origin: string): Lane {
    const known = lanes.get(origin)
    if (known !== undefined) return known
    if (lanes.size >= LANES_MAX) for (const [key, one] of lanes) if (one.isIdle()) lanes.delete(key)
    const lane = new Lane(clock)
    lanes.set(origin, lane)
    return lane
  }

  return { enter: (origin, width = LANE_CALLS) => laneOf(origin).enter(Math.min(width, LANE_CALLS)) }
}

class Lane {
  readonly #clock: Clock
  #calls = 0
  #failures = 0
  #coolUntil: EpochMs = 0
  readonly #queue: (() => void)[] = []
  /** Between two calls that end while others wait: milliseconds, about. */
  #paceMs = PACE_AT_FIRST_MS
  #endedAt: EpochMs | null = null
  /** When it would be the turn of the last one who found no place. */
  #turnAt: EpochMs = 0
  readonly #turnstile = new Turnstile()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  isIdle(): boolean {
    return this.#calls === 0 && this.#coolUntil <= this.#clock.now()
  }

  async enter(width: number): Promise<Admission> {
    for (;;) {
      const now = this.#clock.now()
      const isDown = this.#failures >= FAILURES_MAX
      if (isDown && now < this.#coolUntil) return { laterAt: this.#coolUntil }
      if (isDown && this.#calls > 0) return { laterAt: now + FULL_WAIT_MS }
      if (this.#calls < width) return this.#admit()
      if (this.#queue.length >= LANE_QUEUE) return { laterAt: this.#turn(now) }
      await new Promise<void>((resolve) => this.#queue.push(resolve))
    }
  }

  /**
   * When to ask again: about when it is their turn, four times as soon because a lane may become quicker. If thousands came back
   * each second, giving them back would be more work than the calls.
   */
  #turn(now: EpochMs): EpochMs {
    this.#turnAt = Math.min(Math.max(this.#turnAt, now) + this.#paceMs / 4, now + TURN_WAIT_MAX_MS)
    return Math.max(Math.ceil(this.#turnAt), now + FULL_WAIT_MS)
  }

  #end(now: EpochMs): void {
    if (this.#endedAt !== null) this.#paceMs += (now - this.#endedAt - this.#paceMs) / PACE_CALLS
    this.#endedAt = this.#queue.length > 0 ? now : null
  }

  #admit(): Place {
    this.#calls += 1
    const who = {}
    return {
      alone: () => this.#turnstile.enter(who),
      pass: () => this.#turnstile.leave(who),
      leave: (isUp) => {
        this.#turnstile.leave(who)
        this.#end(this.#clock.now())
        this.#calls -= 1
        this.#failures = isUp ? 0 : this.#failures + 1
        if (this.#failures >= FAILURES_MAX) this.#coolUntil = this.#clock.now() + COOLING_MS
        // Whoever waits looks for themselves whether the destination is still worth a call.
        if (this.#failures >= FAILURES_MAX) for (const next of this.#queue.splice(0)) next()
        else this.#queue.shift()?.()
      },
    }
  }
}
