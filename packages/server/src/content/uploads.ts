import type { Upload } from './files.ts'

/** @source documented: specification 8.14 */
export const MAX_FILES = 16

/** What `uploadFile` says of its files. */
export interface UploadArgs {
  readonly data?: readonly Readonly<Record<string, unknown>>[]
  readonly filename?: string
  readonly size?: number
  readonly hash?: string
}

export type NamedUploads =
  | { readonly ok: true; readonly files: readonly (readonly [name: string, upload: Upload])[] }
  | { readonly ok: false; readonly reason: string }

interface Announced {
  readonly field: string
  readonly filename: unknown
  readonly size: unknown
  readonly hash: unknown
}

/** Brings the parts of a form together with what the arguments say of them, and sees that they agree. Pure. */
export function namedUploads({ data, filename, size, hash }: UploadArgs, uploads: readonly Upload[]): NamedUploads {
  const announced: readonly Announced[] =
    data === undefined
      ? [{ field: 'file', filename, size, hash }]
      : data.map((one, index) => ({ field: `file${index}`, filename: one.filename, size: one.size, hash: one.hash }))
  if (announced.length > MAX_FILES)
    return wrong(`'data' names ${announced.length} files; at most ${MAX_FILES} are allowed.`)
  if (data !== undefined && uploads.length !== data.length)
    return wrong(`'data' names ${data.length} files, but there are ${uploads.length} parts with one.`)

  const files: (readonly [string, Upload])[] = []
  for (const one of announced) {
    const upload = uploads.find(({ field }) => field === one.field)
    const found = upload === undefined ? `'${one.field}' must be provided` : disagreement(one, upload)
    if (upload === undefined || found !== null) return wrong(found ?? '')
    files.push([String(one.filename), upload])
  }
  return { ok: true, files }
}

function disagreement({ field, filename, size, hash }: Announced, { bytes, md5 }: Upload): string | null {
  if (typeof filename !== 'string' || filename === '') return `'filename' must be provided for '${field}'`
  if (filename.length > 400) return `'filename' has ${filename.length} characters; at most 400 are allowed.`
  if (size !== undefined && size !== null && Number(size) !== bytes.length)
    return `'${field}' has ${bytes.length} bytes, but 'size' says ${String(size)}.`
  if (typeof hash === 'string' && hash !== '' && hash.toLowerCase() !== md5)
    return `'${field}' has the MD5 ${md5}, but 'hash' says ${hash}.`
  return null
}

function wrong(reason: string): NamedUploads {
  return { ok: false, reason }
}
