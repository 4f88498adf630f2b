const MARKER = Symbol.for('damson.error')

/**
 * Base of every error we throw on purpose. Recognised by `DamsonError.isInstance`, not `instanceof`: the ESM and the
 * CommonJS build of a package are two copies of each class.
 */
export class DamsonError extends Error {
  readonly [MARKER] = true
  declare readonly code: string
  /** Whether the same call may succeed later. */
  declare readonly isRetryable: boolean

  constructor(code: string, message: string, options: { isRetryable?: boolean; cause?: unknown } = {}) {
    super(message, options)
    this.name = this.code = code
    this.isRetryable = options.isRetryable ?? false
  }

  static isInstance(value: unknown, code?: string): value is DamsonError {
    const { [MARKER]: isOurs, code: found } = Object(value) as Partial<DamsonError>
    return isOurs === true && (code === undefined || found === code)
  }
}
