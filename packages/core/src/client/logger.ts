/** Where the client speaks. `console`, pino, winston and the like fit; nothing is written without one. */
export interface Logger {
  debug(message: string, details?: object): void
  warn(message: string, details?: object): void
  error(message: string, details?: object): void
}

/** Says why something was decided; only present in debug mode, so that it costs nothing otherwise. */
export type Explain = (decision: string, details: object) => void

export const SILENT: Logger = { debug: () => undefined, warn: () => undefined, error: () => undefined }
