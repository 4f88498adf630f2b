import { ReadableStream } from 'node:stream/web'
import { failed } from '@damson/core/protocol'
import { bodyLimit } from './body.ts'
import type { Mountable } from './mountable.ts'
import { isStream, type PlainBody, type PlainRequest } from './plain.ts'
import { refuse } from './responses.ts'

export type Fetch = (request: Request) => Promise<Response>

/** The server as `Request` → `Response`: for Next, Hono, Bun, and for clients in tests. */
export function toFetch({ answer, limits }: Mountable): Fetch {
  return async function fetch(request) {
    const headers = Object.fromEntries(request.headers)
    const body = await read(request, bodyLimit(headers['content-type'], limits))
    const plain = body === null ? refuse(failed('REQUEST_TOO_LARGE')) : await answer(plainOf(request, headers, body))
    return new Response(webBody(plain.body), { status: plain.status, headers: { ...plain.headers } })
  }
}

type WebBody = ConstructorParameters<typeof Response>[0]

function webBody(body: PlainBody): WebBody {
  // The same class as the global one; only its types know `from`.
  return isStream(body) ? (ReadableStream.from(body) as unknown as WebBody) : body
}

/** A literal with each of its fields: behind a spread they would make it a shape of its own. */
function plainOf({ method, url }: Request, headers: PlainRequest['headers'], body: Uint8Array): PlainRequest {
  const { pathname, search, origin } = new URL(url)
  return { method, path: pathname, query: search.slice(1), origin, headers, body, address: null }
}

/** Stops reading as soon as there is too much: `null`. */
async function read(request: Request, maxBytes: number): Promise<Uint8Array | null> {
  if (request.body === null) return new Uint8Array()
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return null
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of request.body) {
    length += chunk.length
    // Leaving the loop cancels the stream.
    if (length > maxBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
