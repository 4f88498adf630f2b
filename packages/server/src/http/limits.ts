import { MINUTE_MS, SECOND_MS } from '@damson/core'

export const MEBIBYTE = 1024 * 1024

/** Everything that bounds what a stranger can make the server hold. */
export interface HttpLimits {
  /** Counted before and after decompression, whichever is more. */
  readonly bodyBytes: number
  /** The same for `multipart/form-data`, which may carry files. */
  readonly multipartBytes: number
  /** The same for `text/csv`, which is a file to import. */
  readonly csvBytes: number
  /** Fields and files of one multipart body. */
  readonly multipartParts: number
  /** Answers shorter than this are not worth compressing. Characters. */
  readonly gzipFrom: number
  readonly headersTimeoutMs: number
  /** From the first byte of a request to the last of its body. */
  readonly requestTimeoutMs: number
  readonly keepAliveTimeoutMs: number
  readonly maxHeaderBytes: number
  readonly maxConnections: number
  /** How long `stop()` waits for requests in flight before it cuts them off. */
  readonly stopDeadlineMs: number
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  /** @source assumed: specification 1.4 (unknowns 10) */
  bodyBytes: 10 * MEBIBYTE,
  /** @source documented: specification 1.4, the figure for uploadFile */
  multipartBytes: 50 * MEBIBYTE,
  /** @source documented: specification 1.4, the figure for CSV files */
  csvBytes: 100_000_000,
  /** @source documented: specification 8.14, 16 files; the rest is room for their arguments */
  multipartParts: 256,
  /** @source assumed: below this the headers weigh more than what is saved */
  gzipFrom: 1024,
  /** @source assumed: docs/security.md, slow clients */
  headersTimeoutMs: 10 * SECOND_MS,
  /** @source assumed: docs/security.md, slow clients */
  requestTimeoutMs: 30 * SECOND_MS,
  /** @source assumed: longer than the 60 s after which load balancers give up, so that they are the first to close */
  keepAliveTimeoutMs: MINUTE_MS + 5 * SECOND_MS,
  /** @source assumed: docs/security.md, slow clients */
  maxHeaderBytes: 16 * 1024,
  /** @source assumed: a few hundred MB of sockets at worst */
  maxConnections: 10_000,
  /** @source assumed: well inside the 30 s that orchestrators wait before they kill */
  stopDeadlineMs: 10 * SECOND_MS,
}
