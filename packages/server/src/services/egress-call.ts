import { DamsonError } from '@damson/core'

/** The part of `RequestInit` that outgoing calls need. */
export interface EgressInit {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Over HTTP/2, on a connection that is kept for further calls: what APNs asks for. */
  readonly http2?: boolean
  readonly signal?: AbortSignal
  /** Where this call may have more, or must take less, than others. */
  readonly maxBytes?: number
  readonly timeoutMs?: number
  /** The status is all that is wanted: the answer is cut off after its head, whatever its body would have been. */
  readonly headOnly?: boolean
}

/** A call that may be made, if its destination may. */
export interface Call {
  readonly url: URL
  readonly hostname: string
  readonly init: EgressInit
  readonly signal: AbortSignal
  readonly maxBytes: number
}

/** @throws {DamsonError} EGRESS_TOO_LARGE */
export async function readAll(stream: AsyncIterable<Buffer>, maxBytes: number, hostname: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    // Leaving the loop destroys the stream, and the socket with it.
    if (length > maxBytes) throw tooLarge(hostname, maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

export function responseOf(status: number, headers: Headers, bytes: Buffer): Response {
  const hasBody = status !== 204 && status !== 205 && status !== 304
  return new Response(hasBody ? new Uint8Array(bytes) : null, { status, headers })
}

function tooLarge(hostname: string, maxBytes: number): DamsonError {
  return new DamsonError('EGRESS_TOO_LARGE', `Expected at most ${maxBytes} bytes from ${hostname}, found more.`)
}
