import { sorted } from '../external-sort.ts'
import { CSV_TYPES, type CsvType, JSON_NAMES } from '../../engine/record-csv.ts'
import type { RawRecord } from './raw-record.ts'

type Cells = Readonly<Record<string, string>>

/** One row of one of the six tables, as text by column. */
export interface RawRow {
  readonly type: CsvType
  readonly cells: Cells
}

/** The rows of these tables, a few at a time; may be asked for more than once. */
export type ReadRows = (types: readonly CsvType[]) => AsyncIterable<readonly RawRow[]>

const KEY_COLUMNS: Readonly<Record<CsvType, readonly string[]>> = {
  sessions: ['sessionId', 'userId', 'start'],
  experiments: ['experimentId', 'sessionId', 'variantId'],
  states: ['stateId', 'sessionId', 'stateName'],
  events: ['eventId', 'stateId', 'sessionId', 'eventName'],
  eventparameters: ['eventId', 'name', 'value'],
  userattributes: ['sessionId', 'name', 'value'],
}

/** Which of the six tables has this header; `null`: none. Columns may stand in any order, and there may be more. */
export function tableOf(header: readonly string[]): CsvType | null {
  const found = new Set(header)
  return CSV_TYPES.find((type) => KEY_COLUMNS[type].every((column) => found.has(column))) ?? null
}

interface Item extends RawRow {
  readonly key: string
  /** Keeps the order of the tables, and of the rows in each. */
  readonly at: number
  readonly params?: Cells
}

/** How many rows are held in memory while they are sorted. */
const RUN_LENGTH = 50_000

const byKey = (one: Item, two: Item): number => (one.key < two.key ? -1 : one.key > two.key ? 1 : one.at - two.at)

/** A session with its rows of all six tables in the form that JSON exports have, or rows whose session is nowhere. */
export type Joined =
  { readonly record: RawRecord; readonly sessionId: string } | { readonly record: null; readonly sessionId: string }

/**
 * Joins the six tables. Rows of one session may be anywhere in them, so they are sorted on disk: parameters to their events
 * first, then everything to its session. Memory stays small however many there are.
 */
export async function* joinTables(read: ReadRows): AsyncGenerator<Joined> {
  let group: Item[] = []
  for await (const item of sorted(bySession(read), { compare: byKey, runLength: RUN_LENGTH })) {
    if (group[0] !== undefined && group[0].key !== item.key) {
      yield joined(group)
      group = []
    }
    group.push(item)
  }
  if (group.length > 0) yield joined(group)
}

async function* bySession(read: ReadRows): AsyncGenerator<readonly Item[]> {
  let at = 0
  for await (const rows of read(['sessions', 'experiments', 'userattributes', 'states']))
    yield rows.map((row) => ({ ...row, key: row.cells.sessionId ?? '', at: (at += 1) }))
  for await (const event of eventsWithParams(read)) yield [event]
}

/** Events keep the place they had among events; `at` is where the row stood. */
async function* eventsWithParams(read: ReadRows): AsyncGenerator<Item> {
  let params: Record<string, string> = {}
  let event: Item | null = null
  const done = (): Item | null => event && { ...event, key: event.cells.sessionId ?? '', params }
  for await (const item of sorted(byEvent(read), { compare: byKey, runLength: RUN_LENGTH })) {
    if (item.type === 'events') {
      const last = done()
      if (last !== null) yield last
      event = item
      params = {}
    } else if (event?.key === item.key) {
      params[item.cells.name ?? ''] = item.cells.value ?? ''
    }
  }
  const last = done()
  if (last !== null) yield last
}

/** After every other row of a session, and before none of its own parameters. */
const EVENTS_FROM = 1e12

async function* byEvent(read: ReadRows): AsyncGenerator<readonly Item[]> {
  let at = EVENTS_FROM
  for (const type of ['events', 'eventparameters'] as const) {
    for await (const rows of read([type]))
      yield rows.map((row) => ({ ...row, key: row.cells.eventId ?? '', at: (at += 1) }))
  }
}

function joined(group: readonly Item[]): Joined {
  const of = (type: CsvType): readonly Item[] => group.filter((item) => item.type === type)
  const sessionId = group[0]?.key ?? ''
  const session = of('sessions')[0]
  if (session === undefined) return { record: null, sessionId }
  const attributes = of('userattributes').map(({ cells }) => [cells.name ?? '', attributeOf(cells.value ?? '')])
  const events = of('events').map(({ cells, params }) => ({
    ...named(cells),
    stateId: cells.stateId,
    name: cells.eventName,
    parameters: params,
  }))
  const states: Record<string, unknown>[] = of('states').map(({ cells }) => ({
    ...named(cells),
    name: cells.stateName,
    events: events.filter((event) => event.stateId === cells.stateId),
  }))
  return {
    sessionId,
    record: {
      ...named(session.cells),
      userAttributes: Object.fromEntries(attributes),
      experiments: of('experiments').map(({ cells }) => ({ id: cells.experimentId, variantId: cells.variantId })),
      states,
    },
  }
}

/** The row with its columns called as in JSON. */
function named(cells: Cells): Record<string, string> {
  return Object.fromEntries(Object.entries(cells).map(([column, value]) => [JSON_NAMES[column] ?? column, value]))
}

/** Lists are written as JSON text. */
function attributeOf(text: string): unknown {
  if (!text.startsWith('[') || !text.endsWith(']')) return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
