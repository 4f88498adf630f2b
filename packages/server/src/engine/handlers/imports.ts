import { done, failed, isAbsent, type Outcome, type RawArgs } from '@damson/core/protocol'
import { isHttpUrl } from '../parse-url.ts'
import { bucketFile, type ImportSource, type MultiJob, type MultiProgress, uploadName } from '../import-jobs.ts'
import { JOB_KIND, jobId, newJob } from '../job.ts'
import { publicFileUrl } from '../public-files.ts'
import type { AppPorts, Scene } from '../scene.ts'
import type { AppQuery } from './index.ts'
import { fileKeyOf } from './exports.ts'

/** What making an import needs to know of its request. */
export type ImportScene = Pick<Scene, 'app' | 'services' | 'caller' | 'uploads' | 'now'>

/** `multi` with `createJob` (specification 8.11): keeps what was sent, or where it is, for the job to read. */
export async function createImport(outer: RawArgs, scene: ImportScene, ports: AppPorts): Promise<Outcome> {
  const { app, services, caller, uploads, now } = scene
  const id = jobId('multi', app.number, services.ids.take())
  const [upload] = uploads
  const sent = upload?.bytes ?? inlineData(outer)
  const source = sent === null ? await stored(outer, ports) : uploaded(id)
  if ('outcome' in source) return source.outcome
  if (sent !== null) await ports.files.put(uploadName(id), [sent])
  const defaultAction = isAbsent(outer.defaultAction) ? null : String(outer.defaultAction)
  const isJson =
    upload === undefined ? sent !== null : /^\s*[[{]/.test(Buffer.from(upload.bytes.subarray(0, 64)).toString())
  const request: MultiJob['request'] = {
    source,
    format: isJson ? 'json' : 'csv',
    defaultAction,
    fileKey: fileKeyOf(services),
  }
  const job = newJob({ id, type: 'multi', createdAt: now, baseUrl: caller.baseUrl ?? '', request })
  await ports.store.changeDocuments(app.appId, JOB_KIND, () => ({ answer: undefined, put: { [id]: job } }))
  ports.wakeJobs()
  return done({ jobId: id })
}

/** `getMultiResults`: how far an import is, and what became of its rows. */
export const getMultiResults: AppQuery<'getMultiResults'> = async ({ jobId: id }, { app }, { store }) => {
  const job = (await store.documents(app.appId, JOB_KIND)).documents.get(id) as MultiJob | undefined
  if (job?.type !== 'multi') return failed('JOB_NOT_FOUND')
  const { state, result, error, baseUrl } = job
  if (state === 'FAILED') return { status: 200, success: false, error: error ?? 'Import failed.', fields: { state } }
  return done(state === 'FINISHED' && result !== null ? { state, data: dataOf(result, baseUrl) } : { state })
}

function dataOf({ successes, failures, files }: MultiProgress, baseUrl: string): Record<string, unknown> {
  const urls = files.map((name) => publicFileUrl(baseUrl, name))
  return { successesCount: successes, failuresCount: failures, files: urls }
}

function uploaded(id: string): ImportSource {
  return { type: 'file', name: uploadName(id), isUpload: true }
}

/** Actions in the request itself, in any shape that `multi` takes. */
function inlineData({ data }: RawArgs): Uint8Array | null {
  if (isAbsent(data)) return null
  return Buffer.from(typeof data === 'string' ? data : JSON.stringify(data))
}

const SAFE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/

/** A bucket is a folder of files that the operator put there, or an address that files are below. */
async function stored(
  { gcsBucket, file }: RawArgs,
  { files }: AppPorts,
): Promise<ImportSource | { readonly outcome: Outcome }> {
  if (isAbsent(gcsBucket)) return { outcome: failed('MISSING_ARGUMENT', { name: 'gcsBucket' }) }
  if (isAbsent(file)) return { outcome: failed('MISSING_ARGUMENT', { name: 'file' }) }
  const [bucket, name] = [String(gcsBucket), String(file)]
  if (/^https?:\/\//.test(bucket)) {
    const url = `${bucket.replace(/\/+$/, '')}/${name.split('/').map(encodeURIComponent).join('/')}`
    return isHttpUrl(url) ? { type: 'url', url } : { outcome: failed('INVALID_ARGUMENT', { name: 'gcsBucket' }) }
  }
  if (!SAFE_NAME.test(bucket)) return { outcome: failed('INVALID_ARGUMENT', { name: 'gcsBucket' }) }
  if (!SAFE_NAME.test(name)) return { outcome: failed('INVALID_ARGUMENT', { name: 'file' }) }
  const found = await files.get(bucketFile(bucket, name))
  return found === null
    ? { outcome: failed('FILE_NOT_FOUND') }
    : { type: 'file', name: bucketFile(bucket, name), isUpload: false }
}
