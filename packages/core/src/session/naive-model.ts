import type { EpochMs } from '../clock.ts'
import type { HistoryStep } from '../testing/arbitraries.ts'
import type { SessionCommand } from './session.ts'
import { byId, type Story } from './story.ts'
import type { SessionRules } from './timing.ts'

/** What happened to the clock of a state: by the app (`hold`, `release`) or by the session (`pause`, `resume`). */
type Mark = { readonly kind: 'hold' | 'release' | 'pause' | 'resume' | 'leave'; readonly at: EpochMs }

interface Stint {
  readonly id: string
  readonly name: string
  readonly at: EpochMs
  readonly recordId: string
  readonly marks: Mark[]
}

interface Use {
  readonly id: string
  readonly madeLate: boolean
  start: EpochMs
  counted: boolean
  /** Ended by a command, or for good by the next use. What merely timed out is not marked in any way. */
  endedBy: 'command' | 'next' | null
  /** Takes no more late events beyond its end. */
  sealed: boolean
  forgotten: boolean
  readonly seen: EpochMs[]
  readonly pauses: { readonly from: EpochMs; to: EpochMs | null }[]
  readonly stints: Stint[]
}

/**
 * The session rules told a second time, for the tests: every instant is kept, nothing ever expires, and each question
 * (is it open, when did it end, how long was the pause) is answered from the instants when it is asked. Sweeps are not
 * even looked at. Slow and long-winded on purpose; it shares no function with the reducer.
 */
export function naiveStory(history: readonly HistoryStep[], rules: SessionRules): Story {
  let uses: Use[] = []
  const discarded: string[] = []
  const loose: Stint[] = []
  const records: { id: string; at: EpochMs }[] = []
  let collecting: { id: string; at: EpochMs } | null = null
  const active: EpochMs[] = []

  const sorted = () =>
    uses.filter((use) => use.counted && !use.forgotten).toSorted((a, b) => a.start - b.start || endOf(a) - endOf(b))
  const newestUse = () => uses.findLast((use) => !use.madeLate && use.endedBy === null)
  const past = () => sorted().filter((use) => use !== newestUse())

  const forget = (knownAt: EpochMs) => {
    const kept = past()
    kept.forEach((use, index) => {
      const tooMany = kept.length - index > rules.amendableCount
      if (tooMany || knownAt - endOf(use) > rules.amendableMs) use.forgotten = true
    })
  }
  const finish = (use: Use, by: 'command' | 'next') => {
    use.endedBy = by
    if (use.counted) return forget(endOf(use))
    discarded.push(use.id)
    uses = uses.filter((other) => other !== use)
  }
  const open = (id: string, at: EpochMs, counted: boolean) => {
    const before = newestUse()
    if (before !== undefined) finish(before, 'next')
    const use: Use = { ...fresh(id, at), counted }
    uses.push(use)
    if (counted) count(use, at)
    return use
  }
  const count = (use: Use, at: EpochMs) => {
    Object.assign(use, { counted: true, start: at })
    use.seen.splice(0, use.seen.length, at)
    active.push(at)
    collecting = null
    forget(at)
  }

  const outside = (command: SessionCommand, at: EpochMs): string => {
    if (command.type !== 'track' && command.type !== 'advance') return 'noSession'
    if (command.type === 'track' && command.disposition === 'requireActive') return 'noSession'
    const joins = collecting !== null && Math.abs(collecting.at - at) < rules.offlineRecordMs
    const record: { id: string; at: EpochMs } =
      joins && collecting !== null ? collecting : { id: command.offlineId, at }
    const storesNothing = command.type === 'advance' && command.state === ''
    if (!joins && !storesNothing) records.push((collecting = record))
    if (command.type === 'advance' && !storesNothing)
      loose.push({ id: command.stateId, name: command.state, at, recordId: record.id, marks: [] })
    return `offline ${record.id}`
  }

  const inPast = (command: SessionCommand, at: EpochMs): string => {
    const owner = past().findLast((use) => use.start <= at)
    const inside = owner !== undefined && at <= endOf(owner)
    const grows = owner !== undefined && owner.madeLate && !owner.sealed
    if (command.type === 'startInBackground') return 'nothing'
    if (command.type === 'start' || command.type === 'resume') {
      if (owner !== undefined && inside) return `session ${owner.id} state null`
      const kept = past()
      const full = kept.length >= rules.amendableCount
      const newest = newestUse()
      const known = newest?.counted ? newest.start : Math.max(...kept.map(endOf))
      if ((full && !(at >= (kept[0]?.start ?? Infinity))) || known - at > rules.amendableMs) return 'nothing'
      uses.push({ ...fresh(command.id, at), counted: true, madeLate: true, endedBy: 'next' })
      active.push(at)
      collecting = null
      forget(at)
      return `session ${command.id} state null`
    }
    if (owner === undefined || !(inside || (grows && at - endOf(owner) < rules.inactivityMs)))
      return outside(command, at)
    const answer = `session ${owner.id} state null`
    switch (command.type) {
      case 'track':
        if (command.disposition === 'passive') return answer
        break
      case 'heartbeat':
        break
      case 'advance':
        if (command.state === '') break
        owner.stints.push({
          id: command.stateId,
          name: command.state,
          at,
          recordId: owner.id,
          marks: [{ kind: 'leave', at }],
        })
        owner.seen.push(Math.max(at, endOf(owner)))
        active.push(at)
        return `session ${owner.id} state ${command.stateId}`
      case 'stop':
      case 'pause':
        if (!grows) return answer
        owner.sealed = true
        break
      default:
        return outside(command, at)
    }
    if (at > endOf(owner)) owner.seen.push(at)
    active.push(at)
    return answer
  }

  const answers = history.flatMap((step): string[] => {
    if ('sweepAt' in step) return []
    const { command, at } = step
    if (command.type === 'touch') return ['nothing']
    const isOpening = command.type === 'start' || command.type === 'resume' || command.type === 'startInBackground'
    const use = newestUse()
    if (use === undefined) {
      const ends = past().map(endOf)
      if (ends.length > 0 && (!isOpening || at < Math.max(...ends))) return [inPast(command, at)]
    } else if (at < use.start) return [inPast(command, at)]

    if (use === undefined || hasTimedOut(use, at, rules)) {
      if (!isOpening) return [outside(command, at)]
      open(command.id, at, command.type !== 'startInBackground')
      return [`session ${command.id} state null`]
    }

    const pausedFrom = openPause(use)?.from ?? null
    const current = use.stints.find((stint) => !stint.marks.some((mark) => mark.kind === 'leave'))
    // Nothing in a use changes before the last thing that was seen of it.
    const when = Math.max(at, ...use.seen)
    const here = `session ${use.id} state ${current !== undefined && current.at <= at ? current.id : null}`
    const seenNow = () => {
      use.seen.push(when)
      active.push(at)
      return here
    }

    if (!use.counted) {
      if (command.type === 'start' || command.type === 'resume') count(use, at)
      else if (command.type === 'startInBackground') {
        use.start = at
        use.seen.splice(0, use.seen.length, at)
      } else if (command.type === 'stop') finish(use, 'command')
      else if (command.type !== 'pause' && command.type !== 'heartbeat') return [outside(command, at)]
      return [here]
    }

    switch (command.type) {
      case 'startInBackground':
        return ['nothing']
      case 'start':
        if (pausedFrom === null || !rules.mergeStartWithinPause) {
          open(command.id, when, true)
          active.push(at)
          return [`session ${command.id} state null`]
        }
        break
      case 'pause':
        if (pausedFrom !== null) return [here]
        use.pauses.push({ from: when, to: null })
        current?.marks.push({ kind: 'pause', at: when })
        return [seenNow()]
      case 'heartbeat':
        return [pausedFrom === null ? seenNow() : here]
      case 'stop': {
        const answer = here
        if (pausedFrom === null) use.seen.push(when)
        active.push(at)
        finish(use, 'command')
        return [answer]
      }
      case 'track':
        if (pausedFrom !== null && at >= pausedFrom) return [outside(command, at)]
        return [command.disposition === 'passive' ? here : seenNow()]
      case 'advance': {
        if (pausedFrom !== null && at >= pausedFrom) return [outside(command, at)]
        current?.marks.push({ kind: 'leave', at: when })
        seenNow()
        if (command.state === '') return [`session ${use.id} state null`]
        const marks: Mark[] = pausedFrom === null ? [] : [{ kind: 'pause', at: pausedFrom }]
        use.stints.push({ id: command.stateId, name: command.state, at: when, recordId: use.id, marks })
        return [`session ${use.id} state ${command.stateId}`]
      }
      case 'pauseState':
      case 'resumeState':
        if (pausedFrom !== null) return ['noSession']
        current?.marks.push({ kind: command.type === 'pauseState' ? 'hold' : 'release', at: when })
        return [seenNow()]
    }

    // What is left is coming back: `resume`, or a `start` that continues the pause.
    const pause = openPause(use)
    if (pause !== undefined) {
      pause.to = when
      current?.marks.push({ kind: 'resume', at: when })
    }
    return [seenNow()]
  })

  for (const use of uses.filter((one) => !one.counted)) discarded.push(use.id)
  const counted = uses.filter((use) => use.counted)
  const sessions = counted.map((use) => {
    const away = use.pauses.map((pause) => (pause.to ?? endOf(use)) - pause.from)
    const endedAt = endOf(use)
    return { id: use.id, startedAt: use.start, endedAt, durationMs: endedAt - use.start - sum(away) }
  })
  const stints = counted.flatMap((use) => use.stints.map((stint) => told(stint, runningMs(stint, endOf(use)))))
  return {
    sessions: byId(sessions),
    discarded: discarded.toSorted(),
    states: byId([...stints, ...loose.map((stint) => told(stint, null))]),
    offline: records,
    answers,
    totalSessions: sessions.length,
    timeInAppMs: sum(sessions.map((session) => session.durationMs)),
    lastActiveAt: active.length === 0 ? null : Math.max(...active),
  }
}

function fresh(id: string, at: EpochMs): Use {
  const lists = { seen: [at], pauses: [], stints: [] }
  return { id, start: at, counted: false, madeLate: false, endedBy: null, sealed: false, forgotten: false, ...lists }
}

function endOf(use: Use): EpochMs {
  return openPause(use)?.from ?? Math.max(...use.seen)
}

function openPause(use: Use) {
  return use.pauses.find((pause) => pause.to === null)
}

function hasTimedOut(use: Use, at: EpochMs, rules: SessionRules): boolean {
  if (!use.counted) return at - use.start >= rules.inactivityMs
  const pause = openPause(use)
  return pause === undefined ? at - Math.max(...use.seen) >= rules.inactivityMs : at - pause.from >= rules.pausedMs
}

/** Adds up the stretches during which the clock of a state ran, until it was left or its session ended. */
function runningMs(stint: Stint, sessionEnd: EpochMs): number {
  let total = 0
  let runningSince: EpochMs | null = stint.at
  let stoppedBy: 'app' | 'session' | null = null
  for (const { kind, at } of [...stint.marks, { kind: 'leave', at: sessionEnd } as const]) {
    const stops = kind === 'leave' || kind === 'hold' || kind === 'pause'
    if (stops && runningSince !== null) {
      total += at - runningSince
      runningSince = null
      stoppedBy = kind === 'pause' ? 'session' : 'app'
    } else if (kind === 'release' || (kind === 'resume' && stoppedBy === 'session')) runningSince ??= at
    if (kind === 'leave') return total
  }
  return total
}

function told(stint: Stint, durationMs: number | null): Story['states'][number] {
  return { id: stint.id, name: stint.name, at: stint.at, recordId: stint.recordId, durationMs }
}

function sum(list: readonly number[]): number {
  return list.reduce((total, one) => total + one, 0)
}
