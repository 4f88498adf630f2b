import { optionalSeconds, recordAttributes, recordFields, type RecordOwner, seconds } from './record-text.ts'
import type { SessionRecord } from './record.ts'

const SESSION_COLUMNS =
  'sessionId,userId,userBucket,userStart,country,region,city,start,duration,lat,lon,locale,' +
  'timezone,timezoneOffset,appVersion,client,sdkVersion,osName,osVersion,deviceModel,browserName,' +
  'browserVersion,deviceId,priorEvents,priorSessions,priorTimeSpentInApp,priorStates,isDeveloper,' +
  'isSession,sourcePublisherId,sourcePublisher,sourceSubPublisher,sourceSite,sourceCampaign,' +
  'sourceAdGroup,sourceAd'

/** The six files of a CSV export with their columns. @source observed: specification 8.10 */
export const CSV_COLUMNS = {
  sessions: SESSION_COLUMNS.split(','),
  experiments: ['experimentId', 'sessionId', 'variantId'],
  states: ['stateId', 'sessionId', 'stateName', 'start', 'duration', 'info', 'timeUntilFirstForUser'],
  events: ['eventId', 'stateId', 'sessionId', 'eventName', 'start', 'value', 'info', 'timeUntilFirstForUser'],
  eventparameters: ['eventId', 'name', 'value'],
  userattributes: ['sessionId', 'name', 'value'],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type CsvType = keyof typeof CSV_COLUMNS

export const CSV_TYPES = Object.keys(CSV_COLUMNS) as readonly CsvType[]

/** What the JSON form calls the columns that have another name there. */
export const JSON_NAMES: Readonly<Record<string, string>> = {
  userStart: 'firstRun',
  start: 'time',
  osName: 'systemName',
  osVersion: 'systemVersion',
  timezoneOffset: 'timezoneOffsetSeconds',
}

/** The rows a record has in each of the six files, as text with line ends. */
export function recordRows(record: SessionRecord, owner: RecordOwner): Readonly<Record<CsvType, string>> {
  const fields = recordFields(record, owner)
  const session = { ...fields, isDeveloper: fields.isDeveloper ?? false }
  const rows = { experiments: '', states: '', events: '', eventparameters: '', userattributes: '' }
  for (const { id, variantId } of record.snapshot?.experiments ?? [])
    rows.experiments += row([id, record.id, variantId])
  for (const { stateId, name, at, durationMs, info, firstAfterMs, events } of record.states) {
    const first = optionalSeconds(firstAfterMs)
    rows.states += row([stateId, record.id, name, optionalSeconds(at), optionalSeconds(durationMs), info, first])
    for (const event of events) {
      const { eventId, value = 0 } = event
      const firstTime = optionalSeconds(event.firstAfterMs)
      rows.events += row([eventId, stateId, record.id, event.name, seconds(event.at), value, event.info, firstTime])
      for (const [param, held] of Object.entries(event.params ?? {}))
        rows.eventparameters += row([eventId, param, held])
    }
  }
  for (const [name, value] of recordAttributes(record)) rows.userattributes += row([record.id, name, value])
  const sessions = row(
    CSV_COLUMNS.sessions.map((column) => session[(JSON_NAMES[column] ?? column) as keyof typeof session]),
  )
  return { sessions, ...rows }
}

export function csvHeader(type: CsvType): string {
  return row(CSV_COLUMNS[type])
}

/** One row as RFC 4180 has it, but with `\n` at its end; lists become JSON text. */
export function row(cells: readonly unknown[]): string {
  return `${cells.map(cell).join(',')}\n`
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
