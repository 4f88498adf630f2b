import { SECOND_MS } from '@damson/core'
import type { StoredEntry } from '../store/store.ts'
import { table } from './table.ts'

const LONGEST = 10

export interface LongSession {
  readonly visitor: string
  /** ISO 8601, UTC. */
  readonly start: string
  readonly durationSeconds: number
  readonly hits: number
}

/** What `--json` prints. */
export interface ReplayReport {
  readonly lines: number
  readonly skipped: number
  readonly visitors: number
  readonly sessions: number
  readonly events: number
  /** `null` when there was no session. */
  readonly medianSessionSeconds: number | null
  /** Longest first. */
  readonly longest: readonly LongSession[]
}

/** Sums up what the engine has written down, which is all there is to know of it: nothing here counts sessions anew. */
export async function summarize(
  entries: AsyncIterable<StoredEntry>,
  { lines, skipped }: Pick<ReplayReport, 'lines' | 'skipped'>,
): Promise<ReplayReport> {
  const hits = new Map<string, number>()
  const durations: number[] = []
  let longest: LongSession[] = []
  let visitors = 0
  let sessions = 0
  let events = 0
  for await (const { userId, entry } of entries) {
    if (entry.kind === 'profileCreated') visitors += 1
    else if (entry.kind === 'sessionStarted') sessions += 1
    else if (entry.kind === 'event') {
      events += 1
      hits.set(entry.record, (hits.get(entry.record) ?? 0) + 1)
    } else if (entry.kind === 'sessionEnded') {
      durations.push(entry.durationMs / SECOND_MS)
      longest.push({
        visitor: userId,
        start: new Date(entry.startedAt).toISOString(),
        durationSeconds: entry.durationMs / SECOND_MS,
        hits: hits.get(entry.record) ?? 0,
      })
      // A session's events all lie before its end: with it, its counter can go.
      hits.delete(entry.record)
      if (longest.length > 100 * LONGEST) longest = longestOf(longest)
    }
  }
  const medianSessionSeconds = medianOf(durations)
  return { lines, skipped, visitors, sessions, events, medianSessionSeconds, longest: longestOf(longest) }
}

/** The same for people. */
export function reportText(report: ReplayReport, reasons: ReadonlyMap<string, number>): string {
  const why = [...reasons].map(([reason, count]) => `${count} ${reason}`).join(', ')
  const { medianSessionSeconds: median } = report
  const figures = table([
    ['lines read', count(report.lines)],
    ['lines skipped', why === '' ? '0' : `${count(report.skipped)} (${why})`],
    ['visitors', count(report.visitors)],
    ['sessions', count(report.sessions)],
    ['events', count(report.events)],
    ['median session', median === null ? 'none' : duration(median)],
  ])
  if (report.longest.length === 0) return figures
  const rows = report.longest.map(({ visitor, start, durationSeconds, hits }) => [
    start.slice(0, 19).replace('T', ' '),
    duration(durationSeconds).padStart(8),
    count(hits).padStart(5),
    visitor.length > 80 ? `${visitor.slice(0, 79)}…` : visitor,
  ])
  return `${figures}\n\nLongest sessions (start in UTC):\n\n${table([['start', 'duration', ' hits', 'visitor'], ...rows])}`
}

/** Ties go to whoever came first, so that the order of the lines in the log makes no difference. */
function longestOf(sessions: readonly LongSession[]): LongSession[] {
  return [...sessions]
    .sort(
      (one, other) =>
        other.durationSeconds - one.durationSeconds ||
        compare(one.start, other.start) ||
        compare(one.visitor, other.visitor),
    )
    .slice(0, LONGEST)
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function medianOf(values: readonly number[]): number | null {
  const ordered = Float64Array.from(values).sort()
  const middle = ordered.length >> 1
  const upper = ordered[middle]
  if (upper === undefined) return null
  return ordered.length % 2 === 1 ? upper : (upper + (ordered[middle - 1] ?? upper)) / 2
}

function count(number: number): string {
  return number.toLocaleString('en-US')
}

/** `1:02:03`, hours first. */
function duration(seconds: number): string {
  const whole = Math.round(seconds)
  const two = (number: number) => String(number).padStart(2, '0')
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`
}
