import { ExpressionError, type Position } from './problem.ts'

export interface Token {
  readonly kind: 'name' | 'text' | 'number' | 'symbol' | 'end'
  /** A name or symbol as it is written; a text without its quotes; a number's digits. */
  readonly text: string
  readonly position: Position
}

const PATTERNS = [
  ['name', /[\p{L}_][\p{L}\p{N}_-]*/uy],
  ['number', /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y],
  ['text', /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/y],
  ['symbol', /!=|<=|>=|[=<>().,]/y],
] as const

const SPACE = /(?:\s|#[^\n]*)+/y

/** Cuts an expression into tokens; white space and `# comments` go. The last one is of the kind `end`. */
export function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = []
  const lines = lineStarts(source)
  let offset = skipSpace(source, 0)
  while (offset < source.length) {
    const token = tokenAt(source, offset, positionAt(lines, offset))
    tokens.push(token.token)
    offset = skipSpace(source, token.end)
  }
  return [...tokens, { kind: 'end', text: '', position: positionAt(lines, source.trimEnd().length) }]
}

function tokenAt(source: string, offset: number, position: Position): { token: Token; end: number } {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = offset
    const [text] = pattern.exec(source) ?? []
    if (text === undefined) continue
    return { token: { kind, text: kind === 'text' ? unquoted(text) : text, position }, end: offset + text.length }
  }
  const found = String.fromCodePoint(source.codePointAt(offset) ?? 0)
  if (found === '"' || found === "'")
    throw new ExpressionError(`expected a closing ${found} on the same line, and found none`, source, position)
  throw new ExpressionError(`expected a name, a value or an operator, and found '${found}'`, source, position)
}

function unquoted(text: string): string {
  return text.slice(1, -1).replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))
}

function skipSpace(source: string, offset: number): number {
  SPACE.lastIndex = offset
  return SPACE.test(source) ? SPACE.lastIndex : offset
}

function lineStarts(source: string): readonly number[] {
  return [0, ...[...source.matchAll(/\n/g)].map(({ index }) => index + 1)]
}

function positionAt(lines: readonly number[], offset: number): Position {
  let line = lines.length
  while (line > 1 && (lines[line - 1] ?? 0) > offset) line -= 1
  return { line, column: offset - (lines[line - 1] ?? 0) + 1, offset }
}
