import { compile, type Lookup, type Matches, matchesEveryone } from './compile.ts'
import { parseExpression, parseSegment } from './parse.ts'

export { ExpressionError } from './problem.ts'
export { matchesEveryone }
export type { Lookup, Matches }

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

/** The same of `segment`, the older filter of `exportUsers`. @throws {ExpressionError} */
export function segmentOf(source: string, lookup: Lookup = NO_AUDIENCES): Matches {
  return compile(parseSegment(source), lookup)
}
