import { type Clock, DAY_MS, SECOND_MS } from '@damson/core'
import { type Begun, type Change, COUNTED, type Counts, type ProfileState, type Wanted } from '../../store/moving.ts'
import { Problem } from '../problem.ts'
import { comparable } from './read-states.ts'
import type { Source } from './source.ts'
import type { Mark, Target } from './target.ts'

/** What a move tells while it goes on. */
export interface Progress {
  /** A part begins in which users are gone through one by one. */
  begin(what: 'copied' | 'compared', done: number, total: number): void
  step(users: number): void
  end(): void
  say(text: string): void
}

export interface MoverOptions {
  readonly source: Source
  readonly target: Target
  readonly clock: Clock
  readonly progress: Progress
  /** Asked between two steps, each of which is kept. */
  readonly isInterrupted: () => boolean
  /** Profiles that are asked for at a time; the answer may have fewer. */
  readonly atOnce?: number
}

/** Ends a move that was asked to stop; what was done is kept. */
export class MoveInterrupted extends Error {}

export interface HandedOver {
  readonly folder: Counts
  readonly database: Counts
  /** For how long nobody was answered, as far as that has to do with the copy. */
  readonly refusedMs: number
}

export interface Mover {
  /** Copies everybody, compares everybody, and takes over what changed meanwhile, until little is left. */
  copy(begun: Begun): Promise<void>
  /** Lets the folder's server refuse, takes over the rest, compares and counts; then the folder is given up. */
  handOver(to: string): Promise<HandedOver>
}

const AT_ONCE = 400
const CHANGES_PER_PROFILE = 10
/** So often, in pages, what changed meanwhile is taken over during the long copy: notes must not pile up. */
const PAGES_PER_ROUND = 50
/** What is left is little when a round takes no longer. */
const ROUND_GOAL_MS = SECOND_MS
/** On a busy machine rounds stop getting shorter before that; then the hand-over takes about as long as one, but not this long. */
const ROUND_MAX_MS = 15 * SECOND_MS
const ROUNDS_WITHOUT_GAIN = 3

export function createMover(options: MoverOptions): Mover {
  const { source, target, clock, progress, isInterrupted, atOnce = AT_ONCE } = options

  function goOn(): void {
    if (isInterrupted()) throw new MoveInterrupted()
  }

  function mark(): Mark {
    if (target.mark === null) throw new Error('Expected a copy that has begun.')
    return target.mark
  }

  async function copyEverybody(users: number): Promise<void> {
    const { copied } = mark()
    if (copied === null) return
    progress.begin('copied', Math.min(users, copied), users)
    for (let pages = 1; ; pages += 1) {
      goOn()
      const after = mark().copied ?? 0
      const { states, horizon } = await source.page(after, atOnce)
      const present = states.filter((state) => state !== null)
      await target.write(byPid(present), { ...mark(), copied: present.at(-1)?.pid ?? null })
      await target.forget(horizon)
      progress.step(present.length)
      if (mark().copied === null) break
      if (pages % PAGES_PER_ROUND === 0) await takeChanges()
    }
    progress.end()
  }

  /** @returns how many profiles had changed */
  async function takeChanges(): Promise<number> {
    for (let taken = 0; ;) {
      goOn()
      const { changes, seq, isEnd } = await source.changes(mark().seq, atOnce * CHANGES_PER_PROFILE)
      if (seq === mark().seq) return taken
      const { copied } = mark()
      // Whoever is copied later is copied as they are then.
      const changed = wantedOf(changes.filter(({ pid }) => copied === null || pid <= copied))
      await take(changed, { ...mark(), seq })
      taken += changed.length
      if (isEnd) return taken
    }
  }

  async function take(changed: readonly Changed[], next: Mark): Promise<void> {
    if (changed.length === 0) await target.write(new Map(), next)
    for (let rest = changed; rest.length > 0;) {
      const batch = rest.slice(0, atOnce)
      const known = await target.known(batch.map(({ pid }) => pid))
      const { states, horizon } = await source.states(
        batch.map(({ pid, isWhole, seen }): Wanted => {
          const copied = known.get(pid)
          return { pid, seen, known: copied === undefined || isWhole ? null : copied }
        }),
      )
      rest = rest.slice(states.length)
      const pids = batch.map(({ pid }) => pid)
      await target.write(
        new Map(states.map((state, index) => [pids[index] ?? 0, state])),
        rest.length === 0 ? next : mark(),
      )
      await target.forget(horizon)
    }
  }

  /** Compares whom nobody has compared since they were written. @returns how many were not the same on both sides */
  async function compare(onPage: (users: number) => void = () => {}): Promise<number> {
    let different = 0
    for (let after = 0; ;) {
      const pids = await target.unchecked(after, atOnce)
      if (pids.length === 0) return different
      const wanted = pids.map((pid): Wanted => ({ pid, known: null, seen: [] }))
      const { states, horizon } = await source.states(wanted)
      const asked = pids.slice(0, states.length)
      const found = await target.read(asked)
      const firstDay = Math.floor(horizon / DAY_MS)
      const same = asked.filter((pid, index) => {
        const [here, there] = [states[index] ?? null, found.get(pid)]
        return here !== null && there !== undefined && comparable(here, firstDay) === comparable(there, firstDay)
      })
      await target.checked(same)
      different += asked.length - same.length
      after = asked.at(-1) ?? after
      onPage(asked.length)
    }
  }

  async function compareEverybody(): Promise<void> {
    progress.begin('compared', 0, await target.uncheckedCount())
    await compare((count) => {
      goOn()
      progress.step(count)
    })
    progress.end()
  }

  async function catchUp(): Promise<void> {
    let [best, gainless] = [Infinity, 0]
    while (gainless < ROUNDS_WITHOUT_GAIN) {
      const began = clock.now()
      const changed = await takeChanges()
      await compare()
      const took = clock.now() - began
      if (source.isServed && changed > 0)
        progress.say(`Changed meanwhile: ${changed} users, copied in ${seconds(took)}.`)
      if (took <= ROUND_GOAL_MS) return
      gainless = took < best * 0.8 ? 0 : gainless + 1
      best = Math.min(best, took)
    }
    if (best > ROUND_MAX_MS)
      throw new Problem(
        'the folder changes faster than it is copied. Run the same command when there is less to do, or stop its server first.',
      )
  }

  async function verify(): Promise<Omit<HandedOver, 'refusedMs'>> {
    const rest = await source.rest()
    await target.writeRest(rest)
    // Nobody changes when only message ids are forgotten, so that was not taken over with anything else.
    await target.forget(rest.horizon)
    const different = await compare()
    const database = await target.counts()
    if (different > 0)
      throw new Problem(
        `${different} users are not the same in both: do not use the copy. Copy again into a new database.`,
      )
    return { folder: rest.counts, database }
  }

  return {
    async copy({ users }) {
      await copyEverybody(users)
      await takeChanges()
      await compareEverybody()
      await catchUp()
    },
    async handOver(to) {
      goOn()
      const began = clock.now()
      await source.hold()
      try {
        await takeChanges()
        const counted = await verify()
        if (isSame(counted.folder, counted.database)) await source.finish(to, clock.now())
        else await source.release()
        return { ...counted, refusedMs: clock.now() - began }
      } catch (error) {
        // Its server goes on as soon as we are gone, whatever it says to this.
        await source.release().catch(() => undefined)
        throw error
      }
    },
  }
}

export function isSame(one: Counts, two: Counts): boolean {
  return COUNTED.every((name) => one[name] === two[name])
}

export function seconds(durationMs: number): string {
  return `${(durationMs / SECOND_MS).toFixed(1)} s`
}

interface Changed {
  readonly pid: number
  readonly isWhole: boolean
  readonly seen: readonly (readonly [day: number, digest: string])[]
}

/** What was noted of each profile, together: the same message id may have been answered more than once. */
function wantedOf(changes: readonly Change[]): readonly Changed[] {
  const changed = new Map<number, { isWhole: boolean; readonly seen: Map<string, readonly [number, string]> }>()
  for (const { pid, whole, day, digest } of changes) {
    const one = changed.get(pid) ?? { isWhole: false, seen: new Map() }
    changed.set(pid, one)
    one.isWhole ||= whole === 1
    if (day !== null && digest !== null) one.seen.set(`${day} ${digest}`, [day, digest])
  }
  return [...changed].map(([pid, { isWhole, seen }]) => ({ pid, isWhole, seen: [...seen.values()] }))
}

function byPid(states: readonly ProfileState[]): ReadonlyMap<number, ProfileState> {
  return new Map(states.map((state) => [state.pid, state]))
}
