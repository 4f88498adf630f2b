import type { Outcome, RawArgs } from '@damson/core/protocol'
import type { Upload } from '../content/files.ts'

/** A decoded request: one action, or the list of a `multi`. Nothing in it has been checked yet. */
export interface Envelope {
  /** Arguments of the query and the body together; of a `multi`, those around `data`. */
  readonly outer: RawArgs
  /** The files of a multipart body. */
  readonly uploads?: readonly Upload[]
}

/** What the transport knows of the caller; the first two are used for `(detect)` (specification 7.5) and nothing else. */
export interface Caller {
  readonly address: string | null
  readonly acceptLanguage: string | null
  /** Where the caller reached us, without `/api`: what addresses of ours begin with. Absent when nobody knows. */
  readonly baseUrl?: string
}

/** The elements of the response, index for index, and the status of the whole. */
export interface Performed {
  readonly status: number
  readonly elements: readonly { readonly outcome: Outcome; readonly reqId: unknown }[]
}

/** The engine: checks a request in the order of specification 3.2, and carries out its actions. */
export interface Engine {
  perform(envelope: Envelope, caller: Caller): Promise<Performed>
}
