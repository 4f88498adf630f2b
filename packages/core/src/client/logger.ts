/** Where the client speaks. `console`, pino, winston and the like fit; nothing is written without one. */
export interface Logger {
  debug(message: string, details?: object): void
  warn(message: string, details?: object): void
  error(message: string, details?: object): void
}

/** Speaks to the logger, if there is one; `debug` explains a decision and is heard in debug mode only. */
export type Tell = (level: keyof Logger, message: string, details: object) => void
