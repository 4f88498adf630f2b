import { isContentFile, publicFileOf } from '../engine/public-files.ts'
import type { Files, StoredFile } from '../store/files.ts'
import type { PlainRequest, PlainResponse } from './plain.ts'
import { refusal, refuse } from './responses.ts'

/** What browsers may do with what we serve: nothing but show or save it. Files may come from strangers. */
const FILE_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Cache-Control': 'private',
  'Content-Security-Policy': "default-src 'none'; sandbox",
  'X-Content-Type-Options': 'nosniff',
}

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css',
  csv: 'text/csv;charset=utf-8',
  gif: 'image/gif',
  gz: 'application/gzip',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain;charset=utf-8',
  webp: 'image/webp',
}

/** Answers a request for a public file; `null` if it asks for something else. */
export type FileRoute = (request: PlainRequest) => Promise<PlainResponse> | null

export function createFileRoute(files: Files): FileRoute {
  return (request) => {
    const name = publicFileOf(request.path)
    return name === null ? null : answerFile(request, name, files)
  }
}

async function answerFile({ method, headers }: PlainRequest, name: string, files: Files): Promise<PlainResponse> {
  const file = method === 'GET' || method === 'HEAD' ? await found(name, files) : null
  if (file === null) return refuse(refusal(404, 'File not found.'))
  const type = TYPES[name.slice(name.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/octet-stream'
  const isForEver = isContentFile(name)
  const etag = `"${name.slice(name.lastIndexOf('/') + 1)}"`
  const kept = isForEver ? { 'Cache-Control': 'public, max-age=31536000, immutable', ETag: etag } : {}
  if (isForEver && headers['if-none-match'] === etag)
    return { status: 304, headers: { ...FILE_HEADERS, ...kept }, body: null }
  const facts = { ...FILE_HEADERS, ...kept, 'Content-Type': type, 'Content-Length': String(file.bytes) }
  return { status: 200, headers: facts, body: file.content }
}

/** A name that no file can have is not there. */
async function found(name: string, files: Files): Promise<StoredFile | null> {
  try {
    return await files.get(name)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}
