import { FIELDS, typeOf } from './facts.ts'
import { literal } from './literals.ts'
import { ExpressionError } from './problem.ts'
import { Reader } from './reader.ts'
import { segmentTokens } from './segment.ts'
import type { Condition, Fact, FactType, Literal, Relation } from './syntax.ts'

/** @source assumed: what a person writes stays far below; the bounds keep a hostile one harmless */
export const EXPRESSION_LIMITS = { characters: 10_000, depth: 50, conditions: 500 } as const

/** Reads `segment`, the older filter of `exportUsers`. @throws {ExpressionError} as `parseExpression` does */
export function parseSegment(source: string): Condition {
  return parsed(source, segmentTokens)
}

/**
 * Reads an audience expression.
 * @throws {ExpressionError} at the first thing that is wrong, with its line and column
 */
export function parseExpression(source: string): Condition {
  return parsed(source)
}

function parsed(source: string, read?: typeof segmentTokens): Condition {
  const start = { line: 1, column: 1, offset: 0 }
  if (source.length > EXPRESSION_LIMITS.characters) {
    const found = `${source.length} characters; at most ${EXPRESSION_LIMITS.characters} are allowed`
    throw new ExpressionError(`expected a shorter expression, and found ${found}`, '', start)
  }
  const reader = new Reader(source, read)
  const condition = anyOf(reader, 0)
  if (reader.token.kind !== 'end') throw reader.unexpected("'and', 'or' or the end")
  return condition
}

function anyOf(reader: Reader, depth: number): Condition {
  return joined(reader, 'or', () => allOf(reader, depth))
}

function allOf(reader: Reader, depth: number): Condition {
  return joined(reader, 'and', () => negated(reader, depth))
}

function joined(reader: Reader, op: 'and' | 'or', part: () => Condition): Condition {
  const first = part()
  const parts = [first]
  while (reader.takeName(op)) parts.push(part())
  return parts.length === 1 ? first : { op, parts }
}

function negated(reader: Reader, depth: number): Condition {
  if (depth > EXPRESSION_LIMITS.depth) throw reader.wrong(`expected at most ${EXPRESSION_LIMITS.depth} levels`)
  if (reader.takeName('not')) return { op: 'not', part: negated(reader, depth + 1) }
  if (reader.takeSymbol('(')) {
    const inner = anyOf(reader, depth + 1)
    reader.expectSymbol(')')
    return inner
  }
  if (reader.count() > EXPRESSION_LIMITS.conditions)
    throw reader.wrong(`expected at most ${EXPRESSION_LIMITS.conditions} conditions`)
  if (reader.takeName('everyone')) return { op: 'everyone' }
  if (reader.takeName('audience')) return { op: 'audience', name: reader.nameOrArgument('the name of an audience') }
  return comparison(reader, factOf(reader))
}

function comparison(reader: Reader, fact: Fact): Condition {
  if (reader.takeName('is')) {
    const isNot = reader.takeName('not')
    if (!reader.takeName('set')) throw reader.unexpected("'set' or 'not set'")
    return inverted(isNot, { op: 'isSet', fact })
  }
  if (reader.isName('not') && reader.isNextName('in', 'contains', 'starts', 'ends')) {
    reader.takeName('not')
    return inverted(true, listed(reader, fact) ?? relation(reader, fact))
  }
  const found = listed(reader, fact)
  if (found !== null) return found
  if (reader.takeSymbol('!='))
    return inverted(true, { op: 'compare', fact, relation: '=', literal: fitting(reader, fact, '=') })
  if (isYesOrNo(fact) && !reader.isOperator()) {
    return { op: 'compare', fact, relation: '=', literal: { is: 'boolean', value: true } }
  }
  return relation(reader, fact)
}

function listed(reader: Reader, fact: Fact): Condition | null {
  if (!reader.takeName('in')) return null
  reader.expectSymbol('(')
  const literals = [fitting(reader, fact, '=')]
  while (reader.takeSymbol(',')) literals.push(fitting(reader, fact, '='))
  reader.expectSymbol(')')
  return { op: 'in', fact, literals }
}

function relation(reader: Reader, fact: Fact): Condition {
  const type = typeOf(fact)
  const at = reader.token
  const found = reader.takeRelation()
  if (found === null) throw reader.unexpected("an operator such as '=', '>=', 'in' or 'is set'")
  if (isAboutText(found) && type !== 'text' && type !== 'any')
    throw reader.wrong(`expected '=', '<' or '>' for ${described(type)}, and found '${at.text}'`, at)
  if (isOrder(found) && (type === 'boolean' || type === 'text'))
    throw reader.wrong(`expected '=', '!=' or 'in' for ${described(type)}, and found '${at.text}'`, at)
  return { op: 'compare', fact, relation: found, literal: fitting(reader, fact, found) }
}

/** Reads a value, and sees that the fact may be compared with it. */
function fitting(reader: Reader, fact: Fact, relation: Relation): Literal {
  const at = reader.token
  const found = literal(reader)
  const type = typeOf(fact)
  const isFitting = isAboutText(relation)
    ? found.is === 'text' || (relation === 'contains' && type === 'any' && found.is === 'number')
    : isComparable(type, found) && !(isOrder(relation) && found.is === 'boolean')
  if (isFitting) return found
  throw reader.wrong(`expected ${isAboutText(relation) ? 'a "text"' : described(type)}, and found ${told(found)}`, at)
}

function isComparable(type: FactType, { is }: Literal): boolean {
  switch (type) {
    case 'any':
      return true
    case 'instant':
      return is === 'instant' || is === 'ago'
    case 'version':
      return is === 'text'
    default:
      return is === type
  }
}

function isAboutText(relation: Relation): boolean {
  return relation === 'contains' || relation === 'startsWith' || relation === 'endsWith'
}

function isOrder(relation: Relation): boolean {
  return relation !== '=' && !isAboutText(relation)
}

function isYesOrNo(fact: Fact): boolean {
  return typeOf(fact) === 'boolean'
}

const DESCRIBED: Readonly<Record<FactType, string>> = {
  any: 'a value',
  text: 'a "text"',
  number: 'a number',
  instant: 'a moment, such as 7 days ago or date("2026-01-31")',
  boolean: 'true or false',
  version: 'a version in quotes, such as "2.10.1"',
}

function described(type: FactType): string {
  return DESCRIBED[type]
}

function told(literal: Literal): string {
  switch (literal.is) {
    case 'text':
      return `"${literal.value}"`
    case 'number':
    case 'boolean':
      return String(literal.value)
    default:
      return 'a moment'
  }
}

function inverted(isInverted: boolean, part: Condition): Condition {
  return isInverted ? { op: 'not', part } : part
}

const FACTS = 'attribute, event, state, device, app, place, session, user, source, test or audience'

function factOf(reader: Reader): Fact {
  const at = reader.token
  if (at.kind !== 'name') throw reader.unexpected(`${FACTS}, 'not' or '('`)
  reader.next()
  switch (at.text) {
    case 'attribute':
      return { of: 'attribute', name: reader.nameOrArgument('the name of an attribute') }
    case 'event':
    case 'state': {
      const name = reader.nameOrArgument(`the name of an ${at.text}`.replace('an state', 'a state'))
      return { of: at.text, name, field: reader.field(FIELDS.tally) }
    }
    case 'device':
      return { of: 'device', field: reader.field(FIELDS.device) }
    case 'app':
      reader.field(FIELDS.app)
      return { of: 'device', field: 'appVersion' }
    case 'place':
      return placeOf(reader)
    case 'session':
      return { of: 'session', field: reader.field(FIELDS.session) }
    case 'user':
      return { of: 'user', field: reader.field(FIELDS.user) }
    case 'source':
      return { of: 'source', field: reader.field(FIELDS.source) }
    case 'test': {
      reader.expectSymbol('(')
      const id = reader.number("the test's id")
      reader.expectSymbol(')')
      return { of: 'test', id }
    }
    default:
      throw reader.wrong(`expected ${FACTS}, and found '${at.text}'`, at)
  }
}

function placeOf(reader: Reader): Fact {
  const field = reader.field({ ...FIELDS.place, distance: 'number' })
  if (field !== 'distance') return { of: 'place', field }
  reader.expectSymbol('(')
  const latitude = reader.number('a latitude in degrees')
  reader.expectSymbol(',')
  const longitude = reader.number('a longitude in degrees')
  reader.expectSymbol(')')
  return { of: 'distance', latitude, longitude }
}
