import type { Readable } from 'node:stream'

/** What a command sees of the process it runs in; a test hands in its own. */
export interface Terminal {
  /** One or more whole lines to standard output. */
  print(text: string): void
  /** The same to standard error. */
  complain(text: string): void
  /** Where a progress bar may be drawn: a person looks at standard error. */
  readonly screen: NodeJS.WriteStream | null
  readonly stdin: Readable
  /** Resolves when the process is asked to end. */
  readonly interrupted: Promise<void>
}
