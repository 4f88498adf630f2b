import { basename } from 'node:path/posix'
import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { DamsonError, MINUTE_MS, SECOND_MS } from '@damson/core'
import { type DataJob, type DataProgress, type S3Credentials, s3Place } from '../engine/export-jobs.ts'
import { type Bucket, BucketError, type BucketService, openBucket } from '../services/bucket.ts'
import type { Egress } from '../services/egress.ts'
import type { Sealer } from '../services/sealing.ts'
import type { Files } from '../store/files.ts'
import { JobLaterError, type Task } from './runner.ts'

export interface CopyOptions {
  readonly files: Files
  readonly egress: Egress
  /** `null`: this server opens no secrets. */
  readonly sealer: Pick<Sealer, 'open'> | null
  readonly service: BucketService
  readonly partBytes?: number
}

/** What `s3CopyStatus` says. @source assumed: the name is known, its values are not (specification 8.10) */
const COPIED = 'SUCCESS'

/** How long after each failure the same object is tried again. */
const WAITS_MS = [5 * SECOND_MS, 30 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS]

/** An object as it will be in the bucket. */
interface Copy {
  readonly name: string
  readonly type: string
  open(): Promise<AsyncIterable<Uint8Array>>
}

/**
 * Copies the files of an export that is written to the bucket it was asked for, in order, then a manifest for each table: with
 * it everything is there. What is done is kept after each object, and what is begun before it is; so whoever takes over after
 * a crash throws away the one in hand and puts it again; the bucket is asked for one that was begun and could not be kept. Never fails: the files can be had from us in any case.
 * @returns the `s3CopyStatus`
 */
export async function copyToBucket(options: CopyOptions, task: Task<DataJob>, written: DataProgress): Promise<string> {
  const { s3 } = task.job.request
  if (s3 === null) throw new Error('Expected an export that names a bucket.')
  let progress = written
  const save = (change: Partial<DataProgress>) => {
    progress = { ...progress, ...change }
    return task.save(progress)
  }
  const credentials = credentialsOf(options, task)
  if (credentials === null)
    return 'FAILED: the credentials cannot be read any more; the master key of the server is another'
  const { egress, partBytes, service } = options
  const { signal } = task
  const bucket = await openBucket({
    ...service,
    ...credentials,
    bucket: s3.bucket,
    egress,
    signal,
    ...(partBytes !== undefined && { partBytes }),
  })
  const copies = [...fileCopies(progress.files, options.files, s3.isCompressed), ...manifests(progress.files, s3)]
  const keyInHand = () => s3.prefix + (copies[progress.copied]?.name ?? '')
  try {
    // Whoever was at it before may have begun an upload and ended before its id was kept.
    if (task.job.attempt > 1) await throwAwayUnknown(bucket, keyInHand())
    for (const { name, type, open } of copies.slice(progress.copied)) {
      const key = s3.prefix + name
      await throwAway(bucket, progress)
      await bucket.put(key, await open(), type, (id) => save({ upload: { key, id } }))
      await save({ copied: progress.copied + 1, upload: null, copyFailures: 0 })
    }
    return COPIED
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof BucketError)) throw error
    const wait = error.isRetryable ? WAITS_MS[progress.copyFailures] : undefined
    if (wait !== undefined) {
      await save({ copyFailures: progress.copyFailures + 1 })
      throw new JobLaterError(`copying to the bucket: ${error.message}`, wait)
    }
    // It has failed us already; that this fails as well changes nothing.
    await throwAway(bucket, progress).catch(() => undefined)
    await throwAwayUnknown(bucket, keyInHand()).catch(() => undefined)
    return `FAILED: ${error.message}`
  }
}

function credentialsOf({ sealer }: CopyOptions, { appId, job }: Task<DataJob>): S3Credentials | null {
  const { s3, fileKey } = job.request
  try {
    return sealer === null ? null : (JSON.parse(sealer.open(s3Place(appId, fileKey), s3!.credentials)) as S3Credentials)
  } catch (error) {
    if (DamsonError.isInstance(error, 'SEAL_BROKEN')) return null
    throw error
  }
}

function throwAway(bucket: Bucket, { upload }: DataProgress): Promise<void> {
  return asFarAsAllowed(async () => {
    if (upload !== null) await bucket.abort(upload.key, upload.id)
  })
}

/** The name is ours alone, and so is everything that is unfinished under it. */
function throwAwayUnknown(bucket: Bucket, key: string): Promise<void> {
  return asFarAsAllowed(async () => {
    for (const upload of await bucket.unfinished(key)) await bucket.abort(key, upload)
  })
}

/** Not every key to a bucket may clean up, and what stays costs its owner some room. */
async function asFarAsAllowed(clean: () => Promise<void>): Promise<void> {
  try {
    await clean()
  } catch (error) {
    if (!(error instanceof BucketError) || error.isRetryable) throw error
  }
}

function fileCopies(names: readonly string[], files: Files, isCompressed: boolean): Copy[] {
  return names.map((name) => ({
    name: `${basename(name)}${isCompressed ? '.gz' : ''}`,
    type: isCompressed ? 'application/gzip' : 'application/octet-stream',
    async open() {
      const file = await files.get(name)
      if (file === null) throw new Error(`Expected the file ${name} of an export to be there.`)
      return isCompressed ? compressed(file.content) : file.content
    },
  }))
}

function compressed(content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  // Whoever reads hears of an error by the stream itself.
  return pipeline(Readable.from(content), createGzip(), () => undefined)
}

/**
 * One for the lines, or one for each table, as Amazon's Redshift reads them.
 * @source documented: that there are manifests and how they are called (specification 8.10); what is in them is assumed
 */
function manifests(
  names: readonly string[],
  { bucket, prefix, isCompressed }: NonNullable<DataJob['request']['s3']>,
): Copy[] {
  const groups = new Map<string, string[]>()
  for (const name of names) {
    const manifest = basename(name).replace(/-\d+$/, '-manifest')
    groups.set(manifest, [...(groups.get(manifest) ?? []), `${basename(name)}${isCompressed ? '.gz' : ''}`])
  }
  return [...groups].map(([name, parts]) => ({
    name,
    type: 'application/json',
    async open() {
      const entries = parts.map((part) => ({ url: `s3://${bucket}/${prefix}${part}`, mandatory: true }))
      return Readable.from([Buffer.from(`${JSON.stringify({ entries }, null, 2)}\n`)])
    },
  }))
}
