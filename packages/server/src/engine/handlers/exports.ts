import { DAY_MS, type EpochMs } from '@damson/core'
import { done, failed, type Outcome } from '@damson/core/protocol'
import { segmentProblem } from '../../content/segments.ts'
import { contentKind } from '../../content/snapshot.ts'
import { isHttpUrl } from '../parse-url.ts'
import { EXPORT_DAYS, isExported } from '../available.ts'
import {
  type DataJob,
  EXPORT_PREFIX,
  type ExportRange,
  type ReportRequest,
  type S3Credentials,
  s3Place,
  type S3Target,
} from '../export-jobs.ts'
import { histories } from '../histories.ts'
import { type Job, JOB_KIND, jobId, madeToday, newJob } from '../job.ts'
import { nextPacificDay, pacificDay } from '../pacific.ts'
import { publicFileUrl } from '../public-files.ts'
import type { AppPorts, Scene, Services } from '../scene.ts'
import type { AppQuery } from './index.ts'

/** How many of each an app may have in a day (Pacific). @source documented: specification 8.10 */
const PER_DAY = { exportData: 24, exportUsers: 40, exportReport: 100 } as const

type ExportType = keyof typeof PER_DAY

/** `exportData` (specification 8.10): raw sessions, as files. */
export const exportData: AppQuery<'exportData'> = async (args, scene, ports) => {
  const { now } = scene
  const days = daysOf(args)
  if ('outcome' in days) return days.outcome
  const oldest = now - EXPORT_DAYS * DAY_MS
  if (days.from < oldest || (args.startTime ?? now) < oldest) return failed('EXPORT_TOO_OLD')
  const fileKey = fileKeyOf(scene.services)
  const s3 = targetOf(args, s3Place(scene.app.appId, fileKey), ports)
  if (s3 !== null && 'outcome' in s3) return s3.outcome
  if (args.callbackUrl !== undefined && !isHttpUrl(args.callbackUrl))
    return failed('INVALID_ARGUMENT', { name: 'callbackUrl' })
  // What becomes available while the job runs is not part of it: every attempt writes the same.
  const availableTo = Math.min(args.endTime ?? now + 1, now + 1)
  const range: ExportRange = { ...days, availableFrom: args.startTime ?? 0, availableTo }
  if (!(await isAnyExported(scene, ports, range))) return failed('NO_MATCHING_DATA')
  const request: DataJob['request'] = { format: args.exportFormat, range, fileKey, s3 }
  return make('exportData', request, scene, ports, args.callbackUrl)
}

/** `exportUsers`: ids of users, as a CSV file. */
export const exportUsers: AppQuery<'exportUsers'> = async (args, scene, ports) => {
  const { audienceName = null, abTestId = null, userAttribute = null } = args
  const content = scene.services.catalog.of(scene.app.appId, contentKind)
  if (audienceName !== null && !content.audiences.has(audienceName))
    return failed('INVALID_ARGUMENT', { name: 'audienceName' })
  // A filter that is not understood must not export everybody.
  const wrong = args.segment === undefined ? null : segmentProblem(args.segment, content)
  if (wrong !== null) return failed('INVALID_EXPRESSION', { name: 'segment', reason: wrong })
  if (abTestId !== null && !content.tests.some(({ id }) => id === abTestId)) return failed('AB_TEST_NOT_FOUND')
  const request = {
    fileKey: fileKeyOf(scene.services),
    userAttribute,
    audienceName,
    abTestId,
    segment: args.segment ?? null,
    at: scene.now,
  }
  return make('exportUsers', request, scene, ports)
}

/** `exportReport`: counts of events, in the answer of `getExportResults` itself. An argument belongs to its type alone. */
export const exportReport: AppQuery<'exportReport'> = async (args, scene, ports) => {
  const days = daysOf(args)
  if ('outcome' in days) return days.outcome
  const content = scene.services.catalog.of(scene.app.appId, contentKind)
  const { eventNames = null } = args
  const request: ReportRequest = { ...days, eventNames, messageId: null }
  switch (args.dataType) {
    case 'UserActivity':
      return make('exportReport', request, scene, ports)
    case 'MessageResults': {
      const { messageId } = args
      if (messageId === undefined) return failed('MISSING_ARGUMENT', { name: 'messageId' })
      return make('exportReport', { ...request, messageId }, scene, ports)
    }
    case 'AbTestResults': {
      const { abTestId } = args
      if (abTestId === undefined) return failed('MISSING_ARGUMENT', { name: 'abTestId' })
      if (!content.tests.some(({ id }) => id === abTestId)) return failed('AB_TEST_NOT_FOUND')
      return make('exportReport', { ...request, abTestId }, scene, ports)
    }
    case 'BookmarkedReport': {
      if (args.bookmarkName === undefined) return failed('MISSING_ARGUMENT', { name: 'bookmarkName' })
      const bookmark = content.bookmarks.get(args.bookmarkName)
      if (bookmark === undefined) return failed('INVALID_ARGUMENT', { name: 'bookmarkName' })
      const { events = null, audience, where } = bookmark
      const of = audience === undefined && where === undefined ? {} : { of: { audience, where, at: scene.now } }
      return make('exportReport', { ...request, eventNames: eventNames ?? events, ...of }, scene, ports)
    }
  }
}

/** `getExportResults`: how far a job is, and what came out. */
export const getExportResults: AppQuery<'getExportResults'> = async ({ jobId: id }, { app }, { store }) => {
  const job = (await store.documents(app.appId, JOB_KIND)).documents.get(id) as Job | undefined
  if (job === undefined || !Object.hasOwn(EXPORT_PREFIX, job.type)) return failed('JOB_NOT_FOUND')
  return exportResults(job)
}

/** What `getExportResults` answers of a job; `callbackUrl` gets the same. */
export function exportResults(job: Job): Outcome {
  const { id, state, result, error, baseUrl } = job
  const fields = { state, jobId: id }
  if (state === 'FAILED') return { status: 200, success: false, error: error ?? 'Export failed.', fields }
  if (state !== 'FINISHED') return done(fields)
  const results = (result ?? {}) as { readonly files?: readonly string[] }
  const files = results.files?.map((name) => publicFileUrl(baseUrl, name))
  return done({ ...fields, ...results, ...(files !== undefined && { files }) })
}

async function make(
  type: ExportType,
  request: unknown,
  { app, services, caller, now }: Scene,
  { store, wakeJobs }: AppPorts,
  callbackUrl?: string,
): Promise<Outcome> {
  const id = jobId(EXPORT_PREFIX[type], app.number, services.ids.take())
  const baseUrl = caller.baseUrl ?? ''
  const job = newJob({ id, type, createdAt: now, baseUrl, request, ...(callbackUrl !== undefined && { callbackUrl }) })
  const outcome = await store.changeDocuments(app.appId, JOB_KIND, ({ documents }) =>
    madeToday(documents, type, now) >= PER_DAY[type]
      ? { answer: failed('EXPORT_QUOTA') }
      : { answer: done({ jobId: id }), put: { [id]: job } },
  )
  wakeJobs()
  return outcome
}

function daysOf(args: {
  readonly startDate: string
  readonly endDate?: string
}): { readonly from: EpochMs; readonly to: EpochMs } | { readonly outcome: Outcome } {
  const from = pacificDay(args.startDate)
  if (from === null) return { outcome: failed('INVALID_ARGUMENT', { name: 'startDate' }) }
  const last = args.endDate === undefined ? from : pacificDay(args.endDate)
  if (last === null || last < from) return { outcome: failed('INVALID_ARGUMENT', { name: 'endDate' }) }
  return { from, to: nextPacificDay(last) }
}

interface S3Args {
  readonly s3BucketName?: string
  readonly s3AccessId?: string
  readonly s3AccessKey?: string
  readonly s3ObjectPrefix?: string
  readonly compressData: boolean
}

/** A bucket's name becomes part of a host name or a path, so it is what S3 allows and nothing else. */
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

/** No control characters, and no step upwards: it becomes part of a path. */
const PREFIX = /^(?!\/)(?!.*(?:^|\/)\.{1,2}(?:\/|$))[^\p{Cc}\p{Cs}]{0,500}$/u

function targetOf(
  args: S3Args,
  place: readonly string[],
  { sealing }: Pick<AppPorts, 'sealing'>,
): S3Target | { readonly outcome: Outcome } | null {
  const { s3BucketName: bucket, s3AccessId: accessId, s3AccessKey: accessKey } = args
  if (bucket === undefined) return null
  if (!BUCKET.test(bucket)) return { outcome: failed('INVALID_ARGUMENT', { name: 's3BucketName' }) }
  if (accessId === undefined) return { outcome: failed('MISSING_ARGUMENT', { name: 's3AccessId' }) }
  if (accessKey === undefined) return { outcome: failed('MISSING_ARGUMENT', { name: 's3AccessKey' }) }
  const { s3ObjectPrefix: prefix = '', compressData: isCompressed } = args
  if (!PREFIX.test(prefix)) return { outcome: failed('INVALID_ARGUMENT', { name: 's3ObjectPrefix' }) }
  if (sealing === null) return { outcome: failed('NO_SECRETS', { name: 's3AccessKey' }) }
  const credentials: S3Credentials = { accessId, accessKey }
  return { bucket, credentials: sealing.seal(place, JSON.stringify(credentials)), prefix, isCompressed }
}

/** Stops at the first one; with none it has looked at everybody. */
async function isAnyExported({ app, services }: Scene, ports: AppPorts, range: ExportRange): Promise<boolean> {
  for await (const { records } of histories(ports.store, app.appId, services.rules)) {
    if (records.some((record) => isExported(record, range, ports.availabilityMs))) return true
  }
  return false
}

/** A random UUID: 122 bits that nobody can guess. */
export function fileKeyOf(services: Pick<Services, 'token'>): string {
  const hex = Buffer.from(services.token(), 'base64url').toString('hex').slice(0, 32)
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-a$4-$5')
}
