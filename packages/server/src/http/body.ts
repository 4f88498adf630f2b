import { isUtf8 } from 'node:buffer'
import { failed, type Outcome } from '@damson/core/protocol'
import { decompress } from './compression.ts'
import type { HttpLimits } from './limits.ts'
import { type FilePart, isMultipart, parseMultipart } from './multipart.ts'
import type { PlainRequest } from './plain.ts'
import { refusal } from './responses.ts'

/** A body as text, or as the fields and files of a form; or why it cannot be read. */
export type Body =
  | {
      readonly ok: true
      readonly text: string
      readonly fields?: Readonly<Record<string, string>>
      readonly files?: readonly FilePart[]
    }
  | { readonly ok: false; readonly outcome: Outcome }

const EMPTY: Body = { ok: true, text: '' }
const NOT_UTF8: Body = { ok: false, outcome: refusal(400, 'Request body is not valid UTF-8.') }
const TOO_LARGE: Body = { ok: false, outcome: failed('REQUEST_TOO_LARGE') }

/** How many bytes a body of this type may have, before and after decompression. */
export function bodyLimit(contentType: string | undefined, limits: HttpLimits): number {
  if (isCsv(contentType)) return limits.csvBytes
  return isMultipart(contentType) ? limits.multipartBytes : limits.bodyBytes
}

/** Checks the size, takes off the compression, then checks the text: each step bounds what the next one can cost. */
export function readBody(request: PlainRequest, limits: HttpLimits): Body | Promise<Body> {
  if (request.body.length === 0) return EMPTY
  const contentType = request.headers['content-type']
  const maxBytes = bodyLimit(contentType, limits)
  if (request.body.length > maxBytes) return TOO_LARGE
  const encoding = request.headers['content-encoding']
  if (encoding === undefined) return readPlain(request.body, contentType, limits)
  return decompress(request.body, encoding, maxBytes).then((inflated) =>
    inflated.ok ? readPlain(inflated.body, contentType, limits) : notInflated(inflated.reason),
  )
}

function readPlain(bytes: Uint8Array, contentType: string | undefined, limits: HttpLimits): Body | Promise<Body> {
  if (isMultipart(contentType)) return readForm(bytes, contentType, limits)
  // A table alone is a `multi` to be carried out as a job (specification 8.11, unknowns 80).
  if (isCsv(contentType)) return { ok: true, text: '', fields: { createJob: 'true' }, files: [csvPart(bytes)] }
  if (!isUtf8(bytes)) return NOT_UTF8
  return { ok: true, text: asBuffer(bytes).toString('utf8') }
}

function isCsv(contentType: string | undefined): boolean {
  return contentType !== undefined && /^\s*text\/csv\b/i.test(contentType)
}

function csvPart(bytes: Uint8Array): FilePart {
  return { field: 'file', fileName: '', contentType: 'text/csv', bytes }
}

async function readForm(bytes: Uint8Array, contentType: string, limits: HttpLimits): Promise<Body> {
  const form = await parseMultipart(bytes, contentType, {
    fieldBytes: limits.bodyBytes,
    parts: limits.multipartParts,
  })
  if (form.ok) return { ok: true, text: '', fields: form.fields, files: form.files }
  return form.reason === 'tooLarge'
    ? TOO_LARGE
    : { ok: false, outcome: refusal(400, 'Invalid multipart/form-data in request body.') }
}

function notInflated(reason: 'unknownEncoding' | 'tooLarge' | 'damaged'): Body {
  if (reason === 'tooLarge') return TOO_LARGE
  return {
    ok: false,
    outcome:
      reason === 'damaged' ? refusal(400, 'Invalid compressed data in request body.') : failed('UNSUPPORTED_ENCODING'),
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
