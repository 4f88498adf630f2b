import { Busboy, type BusboyInstance } from '@fastify/busboy'

/** One file of a multipart body, whole. */
export interface FilePart {
  readonly field: string
  readonly fileName: string
  readonly contentType: string
  readonly bytes: Uint8Array
}

export type Multipart =
  | { readonly ok: true; readonly fields: Readonly<Record<string, string>>; readonly files: readonly FilePart[] }
  | { readonly ok: false; readonly reason: 'tooLarge' | 'damaged' }

export interface MultipartLimits {
  /** Bytes of one field's value. */
  readonly fieldBytes: number
  /** Fields and files together. */
  readonly parts: number
}

export function isMultipart(contentType: string | undefined): contentType is string {
  return contentType !== undefined && /^multipart\/form-data\b.*\bboundary=/i.test(contentType)
}

/** Reads a multipart body that is already in memory. A field named twice keeps its last value, as in JSON. */
export function parseMultipart(body: Uint8Array, contentType: string, limits: MultipartLimits): Promise<Multipart> {
  return new Promise((resolve) => {
    const fields = new Map<string, string>()
    const files: FilePart[] = []
    const tooLarge = () => resolve({ ok: false, reason: 'tooLarge' })
    const damaged = () => resolve({ ok: false, reason: 'damaged' })
    let parser: BusboyInstance
    try {
      parser = new Busboy({
        headers: { 'content-type': contentType },
        limits: { fieldSize: limits.fieldBytes, fieldNameSize: 200, parts: limits.parts, headerPairs: 20 },
      })
    } catch {
      return damaged()
    }
    parser.on('field', (name, value, isNameCut, isValueCut) => {
      if (isNameCut || isValueCut) tooLarge()
      fields.set(name, value)
    })
    parser.on('file', (field, stream, fileName, _encoding, fileType) => {
      const chunks: Uint8Array[] = []
      stream.on('data', (chunk: Uint8Array) => chunks.push(chunk))
      stream.on('error', damaged)
      stream.on('end', () => files.push({ field, fileName, contentType: fileType, bytes: Buffer.concat(chunks) }))
    })
    parser.on('partsLimit', tooLarge)
    parser.on('error', damaged)
    parser.on('finish', () => resolve({ ok: true, fields: Object.fromEntries(fields), files }))
    parser.end(body)
  })
}
