import type { Job } from './job.ts'

/** What a `multi` job is asked: where its rows are, and which action those without one mean. */
export interface MultiRequest {
  readonly source: ImportSource
  readonly format: 'csv' | 'json'
  readonly defaultAction: string | null
  readonly fileKey: string
}

/** In our own files, or behind an address. Uploads are ours and go with the job; what an operator put there stays. */
export type ImportSource =
  | { readonly type: 'file'; readonly name: string; readonly isUpload: boolean }
  | { readonly type: 'url'; readonly url: string }

export interface MultiProgress {
  /** Rows that are done. */
  readonly rows: number
  readonly successes: number
  readonly failures: number
  /** One answer per line. */
  readonly files: readonly string[]
}

export type MultiJob = Job<'multi', MultiRequest, MultiProgress, MultiProgress>

/** Rows carried out together. @source documented: specification 8.11 */
export const IMPORT_BATCH_ROWS = 50

/** Where operators put files to import: `imports/BUCKET/FILE`. */
export function bucketFile(bucket: string, file: string): string {
  return `imports/${bucket}/${file}`
}

export function uploadName(jobId: string): string {
  return `jobs/${jobId}/upload`
}
