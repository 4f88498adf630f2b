import { DamsonError } from '@damson/core'
import type { S3mini } from 's3mini'
import { z } from 'zod'
import type { Egress } from './egress.ts'

/** Where buckets are. */
export interface BucketService {
  /** Of a store that speaks S3, whose buckets are the first segment of its paths; without one, Amazon's. */
  readonly endpoint?: string
  /** Without one, `us-east-1`; Amazon says itself where a bucket is. */
  readonly region?: string
}

export interface BucketOptions extends BucketService {
  readonly bucket: string
  readonly accessId: string
  readonly accessKey: string
  readonly egress: Egress
  readonly signal: AbortSignal
  /** Longer objects are put in parts of so many bytes; S3 wants 5 MiB or more. */
  readonly partBytes?: number
}

/** A bucket of somebody else's, written to by the one way out. */
export interface Bucket {
  /**
   * Puts a whole object, in memory for two parts of it. It is not there at all before this resolves. `begun` is told the id of
   * an upload in parts before the first one is sent.
   * @throws {BucketError}
   */
  put(
    key: string,
    content: AsyncIterable<Uint8Array>,
    type: string,
    begun: (upload: string) => Promise<void>,
  ): Promise<void>
  /**
   * Throws away what is there of an upload that will not be finished; one that is not known is gone already.
   * @throws {BucketError}
   */
  abort(key: string, upload: string): Promise<void>
  /**
   * The ids of uploads in parts under this very name that were begun and neither finished nor thrown away.
   * @throws {BucketError}
   */
  unfinished(key: string): Promise<readonly string[]>
}

/** The bucket did not take what it was given. The message is for the caller: it names no address and no secret. */
export class BucketError extends Error {
  readonly isRetryable: boolean

  constructor(message: string, isRetryable: boolean, cause: unknown) {
    super(message, { cause })
    this.isRetryable = isRetryable
  }
}

const PART_BYTES = 8 * 1024 * 1024
const REQUEST_TIMEOUT_MS = 120_000
const DEFAULT_REGION = 'us-east-1'
const REGION = /^[a-z0-9-]{1,40}$/

/**
 * The client signs and we send: each request goes through the egress, with its vetting and its limits. It is loaded with the
 * first bucket that is opened, for most servers never open any.
 */
export async function openBucket(options: BucketOptions): Promise<Bucket> {
  const { S3mini } = await import('s3mini')
  const { partBytes = PART_BYTES } = options
  let client = clientIn(options.region ?? DEFAULT_REGION)

  function clientIn(region: string): S3mini {
    const { accessId: accessKeyId, accessKey: secretAccessKey } = options
    const endpoint = addressOf(options, region)
    return new S3mini({ accessKeyId, secretAccessKey, endpoint, region, fetch: sending(options, region) })
  }

  /** Asks once more where the bucket says that it is. */
  async function ask<T>(request: (client: S3mini) => Promise<T>): Promise<T> {
    try {
      return await request(client)
    } catch (error) {
      if (!(error instanceof ElsewhereError)) throw problemOf(error)
      client = clientIn(error.region)
    }
    return request(client).catch((error: unknown) => {
      throw problemOf(error)
    })
  }

  async function putParts(
    key: string,
    pieces: AsyncIterator<Uint8Array>,
    first: readonly Uint8Array[],
    upload: string,
  ) {
    const parts: { partNumber: number; etag: string }[] = []
    const send = async (piece: Uint8Array) => {
      const part = await ask((one) => one.uploadPart(key, upload, piece, parts.length + 1))
      if (part.etag === '') throw new BucketError('the bucket did not say what it has taken', true, null)
      parts.push(part)
    }
    for (const piece of first) await send(piece)
    for (let next = await pieces.next(); next.done !== true; next = await pieces.next()) await send(next.value)
    const { etag } = await ask((one) => one.completeMultipartUpload(key, upload, parts))
    // What went wrong at the very end is told with status 200.
    if (typeof etag !== 'string' || etag === '') throw new BucketError('the bucket did not join the parts', true, null)
  }

  return {
    async put(key, content, type, begun) {
      const pieces = inPieces(content, partBytes)
      try {
        const first = await pieces.next()
        const second = first.done === true ? first : await pieces.next()
        if (second.done === true) {
          const whole = first.done === true ? new Uint8Array() : first.value
          await ask((one) => one.putObject(key, whole, type))
          return
        }
        const upload = await ask((one) => one.getMultipartUploadId(key, type))
        await begun(upload)
        await putParts(key, pieces, [first.value as Uint8Array, second.value], upload)
      } finally {
        await pieces.return(undefined)
      }
    },
    async abort(key, upload) {
      try {
        await ask((one) => one.abortMultipartUpload(key, upload))
      } catch (error) {
        if (!(error instanceof BucketError && /^404\b/.test(error.message))) throw error
      }
    },
    async unfinished(key) {
      // In order of their names, so those that are looked for stand on the first page.
      const found: unknown = await ask((one) => one.listMultipartUploads('/', '', 'GET', { prefix: key }))
      return uploadsOf(found).flatMap(({ Key, UploadId }) => (Key === key ? [UploadId] : []))
    },
  }
}

const upload = z.object({ Key: z.string(), UploadId: z.string() })
/** One is not told as a list. The client has types for another shape than the one that it gives. */
const listing = z.object({
  ListMultipartUploadsResult: z.object({ Upload: z.union([z.array(upload), upload]).optional() }),
})

function uploadsOf(found: unknown): readonly z.infer<typeof upload>[] {
  const { success, data } = listing.safeParse(found)
  if (!success) throw new BucketError('the bucket did not list what is unfinished', false, null)
  const { Upload: uploads = [] } = data.ListMultipartUploadsResult
  return Array.isArray(uploads) ? uploads : [uploads]
}

/** Amazon's buckets are names of hosts, but for those with dots, which no certificate covers. */
function addressOf({ endpoint, bucket }: BucketOptions, region: string): string {
  if (endpoint !== undefined) return `${endpoint.replace(/\/+$/, '')}/${bucket}`
  return bucket.includes('.')
    ? `https://s3.${region}.amazonaws.com/${bucket}`
    : `https://${bucket}.s3.${region}.amazonaws.com`
}

/** The bucket is in another region than the one that was asked. */
class ElsewhereError extends Error {
  readonly region: string

  constructor(region: string) {
    super(`the bucket is in ${region}`)
    this.region = region
  }
}

function sending({ egress, endpoint, signal }: BucketOptions, region: string): typeof fetch {
  return async (url, init = {}) => {
    const response = await egress(String(url), {
      method: init.method as 'GET' | 'POST' | 'PUT' | 'DELETE',
      headers: init.headers as Record<string, string>,
      body: init.body as string | Uint8Array,
      signal,
      timeoutMs: REQUEST_TIMEOUT_MS,
    })
    const told = response.headers.get('x-amz-bucket-region')
    if (endpoint === undefined && !response.ok && told !== null && told !== region && REGION.test(told))
      throw new ElsewhereError(told)
    return response
  }
}

/** @returns what may be told; the answers of buckets quote what was signed, so nothing of them is but their code */
function problemOf(error: unknown): Error {
  if (error instanceof BucketError || error instanceof TypeError) return error
  if (DamsonError.isInstance(error)) {
    const reason = error.isRetryable ? 'the bucket could not be reached' : 'the bucket may not be called from here'
    return new BucketError(`${reason} (${error.code})`, error.isRetryable, error)
  }
  const { status, serviceCode } = error as { readonly status?: unknown; readonly serviceCode?: unknown }
  if (typeof status !== 'number') return new BucketError('the bucket answered something else than S3', true, null)
  const code = typeof serviceCode === 'string' && /^\w{1,60}$/.test(serviceCode) ? ` ${serviceCode}` : ''
  // What a store does not have, it will not have later; an upload that is not known any more can be begun again.
  const isRetryable =
    (status >= 500 && status !== 501) || status === 408 || status === 429 || /RequestTimeout|NoSuchUpload/.test(code)
  return new BucketError(`${status}${code}`, isRetryable, null)
}

/** Of `bytes` each, but for the last. */
async function* inPieces(content: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array, undefined> {
  let chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of content) {
    for (let rest = chunk; rest.length > 0;) {
      const taken = rest.subarray(0, bytes - length)
      rest = rest.subarray(taken.length)
      chunks.push(taken)
      length += taken.length
      if (length < bytes) continue
      yield Buffer.concat(chunks)
      chunks = []
      length = 0
    }
  }
  if (length > 0) yield Buffer.concat(chunks)
  return undefined
}
