import type { EpochMs } from '@damson/core'
import type { ExportRange } from './export-jobs.ts'
import type { SessionRecord } from './record.ts'

/** How far back exports reach, by when data became available. Days. @source documented: specification 8.10 */
export const EXPORT_DAYS = 60

/** Data becomes available in steps of this length. @source documented: "every 2 hours", specification 8.10 (unknowns 77) */
export const AVAILABILITY_SECONDS = 7_200

/** When a complete record became available: at the next step after it was complete; at once if steps have no length. */
export function availableAt(completeAt: EpochMs, stepMs: number): EpochMs {
  return stepMs === 0 ? completeAt : (Math.floor(completeAt / stepMs) + 1) * stepMs
}

/** Whether an export takes this record. */
export function isExported({ completeAt, startedAt }: SessionRecord, range: ExportRange, stepMs: number): boolean {
  if (completeAt === null || startedAt < range.from || startedAt >= range.to) return false
  const at = availableAt(completeAt, stepMs)
  return at >= range.availableFrom && at < range.availableTo
}
