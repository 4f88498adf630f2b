/**
 * HTTP as plain values: what `answer` takes and gives. `fetch.ts` and `node.ts` translate from and to their platform and
 * decide nothing. Building `Request` and `Response` for every call costs more than the engine does.
 */
export interface PlainRequest {
  readonly method: string
  /** The path without the query, as it came. */
  readonly path: string
  /** The query without its `?`; empty when there is none. */
  readonly query: string
  /** Lower-case names; repeated headers joined with a comma. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The body as it came over the wire, perhaps compressed; empty when there is none. */
  readonly body: Uint8Array
  /** The address of the socket's other end; `null` when there is no socket. */
  readonly address: string | null
  /** Scheme, host and what a framework has cut off `path`, as the caller wrote them; absent when nobody knows. */
  readonly origin?: string
}

export interface PlainResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: PlainBody
}

/** Text and bytes are whole; anything else is read as fast as the caller takes it, and `headers` say how long it is. */
export type PlainBody = string | Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array> | null

export function isStream(body: PlainBody): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}
