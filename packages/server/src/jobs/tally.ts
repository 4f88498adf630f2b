import type { EpochMs } from '@damson/core'
import type { Report, ReportLine } from '../engine/export-jobs.ts'
import { pacificDate } from '../engine/pacific.ts'

/** One occurrence of an event, as reports see it. */
export interface Counted {
  readonly name: string
  readonly at: EpochMs
  readonly value?: number
}

interface Tally {
  occurrences: number
  users: number
  value: number
  /** The last user who was counted: users come one after the other. */
  lastUser: string | null
  variants: Map<number, Tally> | null
}

/** Counts the events of users, who come one after the other, by day and by name; of a test, also by variant. */
export class DailyTally {
  readonly #days = new Map<string, Map<string, Tally>>()

  add(userId: string, { name, at, value = 0 }: Counted, variantId: number | null): void {
    const date = pacificDate(at)
    const events = this.#days.get(date) ?? new Map<string, Tally>()
    this.#days.set(date, events)
    const tally = events.get(name) ?? emptyTally()
    events.set(name, tally)
    note(tally, userId, value)
    if (variantId === null) return
    tally.variants ??= new Map()
    const ofVariant = tally.variants.get(variantId) ?? emptyTally()
    tally.variants.set(variantId, ofVariant)
    note(ofVariant, userId, value)
  }

  report(): Report {
    const sorted = [...this.#days].sort(([one], [two]) => (one < two ? -1 : 1))
    return Object.fromEntries(
      sorted.map(([date, events]) => [
        date,
        Object.fromEntries([...events].map(([name, tally]) => [name, lineOf(tally)])),
      ]),
    )
  }
}

function emptyTally(): Tally {
  return { occurrences: 0, users: 0, value: 0, lastUser: null, variants: null }
}

function note(tally: Tally, userId: string, value: number): void {
  tally.occurrences += 1
  tally.value += value
  if (tally.lastUser !== userId) tally.users += 1
  tally.lastUser = userId
}

function lineOf({ occurrences, users, value, variants }: Tally): ReportLine {
  const line = { Occurrences: occurrences, 'Unique users': users, Value: value }
  if (variants === null) return line
  return { ...line, Variants: Object.fromEntries([...variants].map(([id, tally]) => [id, lineOf(tally)])) }
}
