import type { Entry } from './entries.ts'

type EventEntry = Extract<Entry, { kind: 'event' }>

/**
 * Lines of history as they are kept: JSON. Events, of which there are a hundred to every other line, are written as lists
 * instead of objects: at, record, name, value, params, stateId, info, firstAfterMs, eventId; `null` for what is not there, and
 * nothing after the last that is.
 */
export function entriesText(entries: readonly Entry[]): string {
  return JSON.stringify(entries.map((entry) => (entry.kind === 'event' ? packed(entry) : entry)))
}

export function entriesOf(text: string): Entry[] {
  const lines = JSON.parse(text) as (Entry | Packed)[]
  return lines.map((line) => (Array.isArray(line) ? unpacked(line) : line))
}

type Packed = [
  at: number,
  record: string,
  name: string,
  value?: number | null,
  params?: EventEntry['params'] | null,
  stateId?: string | null,
  info?: string | null,
  firstAfterMs?: number | null,
  eventId?: string,
]

function packed({ at, record, name, value, params, stateId, info, firstAfterMs, eventId }: EventEntry): Packed {
  if (eventId !== undefined)
    return [
      at,
      record,
      name,
      value ?? null,
      params ?? null,
      stateId ?? null,
      info ?? null,
      firstAfterMs ?? null,
      eventId,
    ]
  if (firstAfterMs !== undefined)
    return [at, record, name, value ?? null, params ?? null, stateId ?? null, info ?? null, firstAfterMs]
  if (info !== undefined) return [at, record, name, value ?? null, params ?? null, stateId ?? null, info]
  if (stateId !== undefined) return [at, record, name, value ?? null, params ?? null, stateId]
  if (params !== undefined) return [at, record, name, value ?? null, params]
  return value === undefined ? [at, record, name] : [at, record, name, value]
}

function unpacked([at, record, name, value, params, stateId, info, firstAfterMs, eventId]: Packed): EventEntry {
  return {
    kind: 'event',
    at,
    record,
    name,
    ...(typeof value === 'number' && { value }),
    ...(params !== null && params !== undefined && { params }),
    ...(typeof stateId === 'string' && { stateId }),
    ...(typeof info === 'string' && { info }),
    ...(typeof firstAfterMs === 'number' && { firstAfterMs }),
    ...(eventId !== undefined && { eventId }),
  }
}
