import { hash } from 'node:crypto'
import type { Upload } from '../content/files.ts'
import type { FilePart } from './multipart.ts'

/** The parts of a form with their digests. */
export function uploadsOf(parts: readonly FilePart[]): readonly Upload[] {
  return parts.map(({ field, bytes }) => ({ field, bytes, md5: hash('md5', bytes, 'hex') }))
}
