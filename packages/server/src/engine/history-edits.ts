import { type EpochMs, SECOND_MS } from '@damson/core'
import { failed, type Outcome } from '@damson/core/protocol'
import type { Draft } from './draft.ts'
import type { Tally } from './profile.ts'

type Edits = Readonly<Record<string, unknown>> | undefined

/** What may be said of one event or state in `setUserAttributes` (specification 8.5). */
const EVENT_FIELDS = ['count', 'countIncrement', 'value', 'valueIncrement', 'firstTime', 'lastTime'] as const
const STATE_FIELDS = ['count', 'countIncrement', 'firstTime', 'lastTime'] as const

/** @returns the error that stops the whole call, if an entry cannot be understood (unknowns 63) */
export function checkTallies(kind: 'event' | 'state', edits: Edits): Outcome | null {
  for (const [name, edit] of Object.entries(edits ?? {})) {
    const numbers = read(kind, edit)
    if (numbers === null || name === '__proto__') return failed('INVALID_HISTORY', { kind, name, field: '' })
    if (typeof numbers === 'string') return failed('INVALID_HISTORY', { kind, name, field: numbers })
  }
  return null
}

/** Sets and adds to the counters of events or states as `setUserAttributes` says; `checkTallies` has looked at it. */
export function editTallies(kind: 'event' | 'state', edits: Edits, draft: Draft, at: EpochMs): void {
  for (const [name, edit] of Object.entries(edits ?? {})) {
    const tallies = kind === 'event' ? draft.events() : draft.states()
    const numbers = read(kind, edit)
    if (numbers === null || typeof numbers === 'string') throw new Error(`unchecked ${kind} '${name}'`)
    tallies[name] = edited(Object.hasOwn(tallies, name) ? tallies[name] : undefined, numbers, at)
  }
}

type Numbers = Readonly<Partial<Record<(typeof EVENT_FIELDS)[number], number>>>

/** @returns the numbers given; the name of a field that is none; or `null` if there is nothing in it that we know */
function read(kind: 'event' | 'state', edit: unknown): Numbers | string | null {
  if (typeof edit !== 'object' || edit === null || Array.isArray(edit)) return null
  const fields = edit as Readonly<Record<string, unknown>>
  const numbers: Record<string, number> = {}
  for (const field of kind === 'event' ? EVENT_FIELDS : STATE_FIELDS) {
    if (fields[field] === undefined || fields[field] === null) continue
    const value = asNumber(fields[field])
    if (value === null || (field.startsWith('count') && !Number.isSafeInteger(value))) return field
    numbers[field] = value
  }
  return Object.keys(numbers).length === 0 ? null : numbers
}

function edited(before: Tally | undefined, numbers: Numbers, at: EpochMs): Tally {
  const isValued = before?.value !== undefined || numbers.value !== undefined || numbers.valueIncrement !== undefined
  const value = (numbers.value ?? before?.value ?? 0) + (numbers.valueIncrement ?? 0)
  return {
    count: Math.max(0, (numbers.count ?? before?.count ?? 0) + (numbers.countIncrement ?? 0)),
    ...(isValued && { value }),
    firstAt: numbers.firstTime === undefined ? (before?.firstAt ?? at) : Math.round(numbers.firstTime * SECOND_MS),
    lastAt: numbers.lastTime === undefined ? (before?.lastAt ?? at) : Math.round(numbers.lastTime * SECOND_MS),
  }
}

/** A number or a numeric string; dates in words are refused. @source observed: specification 5.4 */
function asNumber(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : null
}
