/** Where a piece of an expression begins: line and column from 1, offset from 0. */
export interface Position {
  readonly line: number
  readonly column: number
  readonly offset: number
}

/**
 * What is wrong with an audience expression, and where. `reason` alone says what was expected and what was found;
 * `message` adds the place and shows it.
 */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
  readonly reason: string
  readonly position: Position

  constructor(reason: string, source: string, position: Position) {
    const { line, column } = position
    const text = source.split('\n')[line - 1] ?? ''
    super(`line ${line}, column ${column}: ${reason}\n  ${text}\n  ${' '.repeat(column - 1)}^`)
    this.reason = reason
    this.position = position
  }
}
