import type { SessionRules } from '@damson/core/session'
import type { Report, ReportJob, ReportLine, ReportRequest } from '../engine/export-jobs.ts'
import { histories } from '../engine/histories.ts'
import { pacificDate } from '../engine/pacific.ts'
import type { EventLine } from '../engine/record.ts'
import type { Store } from '../store/store.ts'
import type { JobType, Task } from './runner.ts'

export interface ExportReportOptions {
  readonly store: Pick<Store, 'owners' | 'entries'>
  readonly rules: SessionRules
}

interface Tally {
  occurrences: number
  users: number
  value: number
}

/** `exportReport`: how often each event happened on each day, to how many users, and what it was worth. */
export function exportReportType({ store, rules }: ExportReportOptions): JobType {
  async function run({ appId, job, signal }: Task<ReportJob>): Promise<{ readonly data: Report }> {
    const days = new Map<string, Map<string, Tally>>()
    for await (const { records } of histories(store, appId, rules)) {
      signal.throwIfAborted()
      /** Days and events this user has been counted for. */
      const counted = new Set<string>()
      for (const { states } of records) {
        for (const { events } of states)
          for (const event of events) if (isAsked(event, job.request)) count(days, counted, event)
      }
    }
    return { data: reportOf(days) }
  }

  return { run: (task) => run(task as Task<ReportJob>), filesOf: () => [] }
}

function isAsked({ name, at }: EventLine, { from, to, eventNames, messageId }: ReportRequest): boolean {
  if (at < from || at >= to) return false
  if (eventNames !== null && !eventNames.includes(name)) return false
  // Events about a message are called after it (specification 7.2).
  return messageId === null || name === `.m${messageId}` || name.startsWith(`.m${messageId} `)
}

function count(days: Map<string, Map<string, Tally>>, counted: Set<string>, { name, at, value = 0 }: EventLine): void {
  const date = pacificDate(at)
  const events = days.get(date) ?? new Map<string, Tally>()
  const tally = events.get(name) ?? { occurrences: 0, users: 0, value: 0 }
  tally.occurrences += 1
  tally.value += value
  const key = `${date} ${name}`
  if (!counted.has(key)) tally.users += 1
  counted.add(key)
  days.set(date, events.set(name, tally))
}

function reportOf(days: ReadonlyMap<string, ReadonlyMap<string, Tally>>): Report {
  const sorted = [...days].sort(([one], [two]) => (one < two ? -1 : 1))
  return Object.fromEntries(sorted.map(([date, events]) => [date, Object.fromEntries([...events].map(lineOf))]))
}

function lineOf([name, { occurrences, users, value }]: [string, Tally]): [string, ReportLine] {
  return [name, { Occurrences: occurrences, 'Unique users': users, Value: value }]
}
