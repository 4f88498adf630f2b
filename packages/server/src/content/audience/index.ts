import { compile, type Lookup, type Matches, matchesEveryone } from './compile.ts'
import { parseExpression } from './parse.ts'

export { ExpressionError } from './problem.ts'
export { matchesEveryone }
export type { Matches }

const NO_AUDIENCES: Lookup = (name) => {
  throw new Error(`Expected an expression that names no audience, but it names '${name}'.`)
}

/**
 * An audience expression as a function of a profile and an instant.
 * @throws {ExpressionError} with line, column and what was expected there
 */
export function audienceOf(source: string, lookup: Lookup = NO_AUDIENCES): Matches {
  return compile(parseExpression(source), lookup)
}
