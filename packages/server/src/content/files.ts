import type { EpochMs } from '@damson/core'
import type { CatalogKind } from '../engine/catalog.ts'

/** A file as it is kept. `path` is that of its bytes: nobody can guess it, and no other file ever has it. */
export interface KeptFile {
  readonly path: string
  readonly bytes: number
  readonly md5: string
  readonly uploadedAt: EpochMs
}

/** The files of variables by name; the document's id is the file's name. */
export const filesKind: CatalogKind<ReadonlyMap<string, KeptFile>> = {
  name: 'files',
  compile: (documents) => documents as ReadonlyMap<string, KeptFile>,
}

const EXTENSION = /\.[A-Za-z0-9]{1,10}$/

/** Under which the bytes lie in the `Files` port, where the server finds public files. `token`: 256 random bits. */
export function pathOfFile(name: string, appNumber: number, token: string): string {
  return `public/content/${appNumber}/f${token}${EXTENSION.exec(name)?.[0] ?? ''}`
}

/** A file as it arrived, whole. */
export interface Upload {
  /** The name of its part. */
  readonly field: string
  readonly bytes: Uint8Array
  readonly md5: string
}
