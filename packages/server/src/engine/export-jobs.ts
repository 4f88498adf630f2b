import type { EpochMs } from '@damson/core'
import type { Job } from './job.ts'
import { PUBLIC_PREFIX } from './public-files.ts'

/** Which sessions an export takes: begun in [from, to), and become available in [availableFrom, availableTo). */
export interface ExportRange {
  readonly from: EpochMs
  readonly to: EpochMs
  readonly availableFrom: EpochMs
  readonly availableTo: EpochMs
}

export interface S3Target {
  readonly bucket: string
  /** `S3Credentials` as JSON, sealed for `s3Place`. */
  readonly credentials: string
  /** What the names of objects begin with. */
  readonly prefix: string
  readonly isCompressed: boolean
}

export interface S3Credentials {
  readonly accessId: string
  readonly accessKey: string
}

/** Where the credentials of an export may be opened, and nowhere else. */
export function s3Place(appId: string, fileKey: string): readonly string[] {
  return ['s3', appId, fileKey]
}

export interface DataRequest {
  readonly format: 'json' | 'csv'
  readonly range: ExportRange
  /** Random; the part of its files' names that nobody can guess. */
  readonly fileKey: string
  /** Gone as soon as the job has ended. */
  readonly s3: S3Target | null
}

export interface DataProgress {
  readonly files: readonly string[]
  readonly bytes: number
  readonly sessions: number
  /** Parts that are done. */
  readonly parts: number
  /** The last user whose records are in them; `null` before the first. */
  readonly afterUserId: string | null
  /** Whether all users have been. */
  readonly isWritten: boolean
  /** How many of the files, and of the manifests after them, are in the bucket. */
  readonly copied: number
  /** What has been begun there and is not finished; whoever takes over throws it away. */
  readonly upload: { readonly key: string; readonly id: string } | null
  /** How often the next one has failed. */
  readonly copyFailures: number
}

export interface DataResult {
  readonly files: readonly string[]
  readonly numBytes: number
  readonly numSessions: number
  readonly s3CopyStatus?: string
}

export interface UsersRequest {
  readonly fileKey: string
  readonly userAttribute: string | null
  /** Only users of this audience, as they stood at `at`. */
  readonly audienceName: string | null
  /** Only users who were given a variant of this test. */
  readonly abTestId: number | null
  /** Only users of this older expression; jobs of before have none. */
  readonly segment?: string | null
  readonly at: EpochMs
}

export interface FilesResult {
  readonly files: readonly string[]
}

export interface ReportRequest {
  readonly from: EpochMs
  readonly to: EpochMs
  /** Only these events; `null`: all. */
  readonly eventNames: readonly string[] | null
  readonly messageId: number | null
  /** Only those who were given a variant of this test, by variant. */
  readonly abTestId?: number | null
  /** Only these users, as they stood at `at`. */
  readonly of?: { readonly audience?: string | undefined; readonly where?: string | undefined; readonly at: EpochMs }
}

/** By day (`YYYY-MM-DD`, Pacific), then by event. */
export type Report = Readonly<Record<string, Readonly<Record<string, ReportLine>>>>

export interface ReportLine {
  readonly Occurrences: number
  readonly 'Unique users': number
  readonly Value: number
  /** Of an A/B test, the same by the id of the variant. */
  readonly Variants?: Readonly<Record<string, ReportLine>>
}

/** What came out of an A/B test, of all days together (specification 8.10 has no form for it; this one is ours). */
export interface TestResults {
  readonly abTestId: number
  /** Of the intervals: 0.95. */
  readonly level: number
  readonly variants: readonly VariantResults[]
}

export interface VariantResults {
  readonly id: number
  readonly name: string
  /** Those who were in it before the last day asked for had ended. */
  readonly users: number
  readonly events: Readonly<Record<string, VariantResult>>
}

/** A share of users, and between what it is with 95 % confidence. */
export interface RateResult {
  readonly rate: number
  readonly low: number
  readonly high: number
}

export interface VariantResult extends RateResult {
  readonly occurrences: number
  readonly uniqueUsers: number
  readonly value: number
  /** Against the first variant; not there for that one itself. */
  readonly difference?: RateResult
  /** How often a difference this large is seen when there is none. */
  readonly pValue?: number
}

export type DataJob = Job<'exportData', DataRequest, DataProgress, DataResult>
export type UsersJob = Job<'exportUsers', UsersRequest, null, FilesResult>
export type ReportJob = Job<'exportReport', ReportRequest, null, ReportResult>

export interface ReportResult {
  readonly data: Report
  readonly abTestResults?: TestResults
}

/** What export jobs are called in their ids. @source observed: specification 8.10; the report's is ours */
export const EXPORT_PREFIX = {
  exportData: 'export',
  exportUsers: 'export_users',
  exportReport: 'export_report',
} as const

/** The file name of part `part` of an export (specification 8.10, "File URL shape"). */
export function exportFile(appNumber: number, fileKey: string, part: string): string {
  return `${PUBLIC_PREFIX}export-${appNumber}-${fileKey}-output${part}`
}
