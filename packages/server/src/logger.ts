/** What the server asks of a logger: pino has this shape, and so has a handful of functions. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** Asked once, when the server is made: without it, or when it says no, requests are not logged one by one. */
  isLevelEnabled?(level: 'debug'): boolean
}

/** Says nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
