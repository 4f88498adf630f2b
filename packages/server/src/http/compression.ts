import { promisify } from 'node:util'
import { brotliDecompress, gunzip, gzip, inflate } from 'node:zlib'

type Decompress = (data: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>

const DECOMPRESS: Readonly<Record<string, Decompress>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}

export type Decompressed =
  | { readonly ok: true; readonly body: Uint8Array }
  | { readonly ok: false; readonly reason: 'unknownEncoding' | 'tooLarge' | 'damaged' }

/** Takes off one layer of compression; stops as soon as more than `maxBytes` have come out. */
export async function decompress(body: Uint8Array, contentEncoding: string, maxBytes: number): Promise<Decompressed> {
  const encoding = contentEncoding.trim().toLowerCase()
  if (encoding === 'identity') return { ok: true, body }
  const inflated = Object.hasOwn(DECOMPRESS, encoding) ? DECOMPRESS[encoding] : undefined
  if (inflated === undefined) return { ok: false, reason: 'unknownEncoding' }
  try {
    return { ok: true, body: await inflated(body, { maxOutputLength: maxBytes }) }
  } catch (error) {
    return { ok: false, reason: codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? 'tooLarge' : 'damaged' }
  }
}

/** On zlib's own threads: a long answer does not hold up the loop. */
export const compress: (body: string | Uint8Array) => Promise<Uint8Array<ArrayBuffer>> = promisify(gzip)

/** Whether the client takes gzip: named, or covered by `*`, and not with `q=0`. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  if (acceptEncoding === undefined) return false
  let any = false
  for (const part of acceptEncoding.toLowerCase().split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((piece) => piece.trim())
    const isWelcome = !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
    if (coding === 'gzip' || coding === 'x-gzip') return isWelcome
    if (coding === '*') any = isWelcome
  }
  return any
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
