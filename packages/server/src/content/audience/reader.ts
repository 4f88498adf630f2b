import { ExpressionError } from './problem.ts'
import type { Relation } from './syntax.ts'
import { type Token, tokensOf } from './tokens.ts'

const RELATIONS: Readonly<Record<string, Relation>> = { '=': '=', '<': '<', '<=': '<=', '>': '>', '>=': '>=' }

/** Goes through the tokens of one expression, one token ahead. */
export class Reader {
  readonly #source: string
  readonly #tokens: readonly Token[]
  #index = 0
  #conditions = 0

  constructor(source: string, read: (tokens: readonly Token[]) => readonly Token[] = (tokens) => tokens) {
    this.#source = source
    this.#tokens = read(tokensOf(source))
  }

  get token(): Token {
    return this.#tokens[this.#index]!
  }

  next(): Token {
    const { token } = this
    if (token.kind !== 'end') this.#index += 1
    return token
  }

  /** How many conditions were begun, this one among them. */
  count(): number {
    this.#conditions += 1
    return this.#conditions
  }

  isName(text: string): boolean {
    return this.token.kind === 'name' && this.token.text === text
  }

  isNextName(...texts: readonly string[]): boolean {
    const next = this.#tokens[this.#index + 1]
    return next?.kind === 'name' && texts.includes(next.text)
  }

  takeName(text: string): boolean {
    const isIt = this.isName(text)
    if (isIt) this.#index += 1
    return isIt
  }

  takeSymbol(text: string): boolean {
    const isIt = this.token.kind === 'symbol' && this.token.text === text
    if (isIt) this.#index += 1
    return isIt
  }

  expectSymbol(text: string): void {
    if (!this.takeSymbol(text)) throw this.unexpected(`'${text}'`)
  }

  isOperator(): boolean {
    const { kind, text } = this.token
    return (kind === 'symbol' && text !== ')') || (kind === 'name' && text !== 'and' && text !== 'or')
  }

  takeRelation(): Relation | null {
    const { kind, text } = this.token
    if (kind === 'symbol') {
      const relation = RELATIONS[text]
      if (relation !== undefined) this.#index += 1
      return relation ?? null
    }
    if (this.takeName('contains')) return 'contains'
    for (const [word, relation] of [
      ['starts', 'startsWith'],
      ['ends', 'endsWith'],
    ] as const) {
      if (!this.takeName(word)) continue
      if (!this.takeName('with')) throw this.unexpected(`'with'`)
      return relation
    }
    return null
  }

  /** `.name` or `("any name")`. */
  nameOrArgument(expected: string): string {
    if (this.takeSymbol('.')) return this.#name(expected)
    if (!this.takeSymbol('(')) throw this.unexpected(`.name or ("name"): ${expected}`)
    const { kind, text } = this.token
    if (kind !== 'text') throw this.unexpected(`${expected} in quotes`)
    this.next()
    this.expectSymbol(')')
    return text
  }

  /** `.field`, one of those that are there. */
  field<const Fields extends Readonly<Record<string, unknown>>>(fields: Fields): keyof Fields & string {
    const names = Object.keys(fields).join(', ')
    if (!this.takeSymbol('.')) throw this.unexpected(`a dot and one of ${names}`)
    const { kind, text } = this.token
    if (kind !== 'name' || !Object.hasOwn(fields, text)) throw this.unexpected(`one of ${names}`)
    this.next()
    return text
  }

  number(expected: string): number {
    const { kind, text } = this.token
    if (kind !== 'number') throw this.unexpected(expected)
    this.next()
    return Number(text)
  }

  unexpected(expected: string): ExpressionError {
    const { kind, text } = this.token
    const found = kind === 'end' ? 'the end' : kind === 'text' ? `"${text}"` : `'${text}'`
    return this.wrong(`expected ${expected}, and found ${found}`)
  }

  wrong(reason: string, at: Token = this.token): ExpressionError {
    return new ExpressionError(reason, this.#source, at.position)
  }

  #name(expected: string): string {
    if (this.token.kind !== 'name') throw this.unexpected(expected)
    return this.next().text
  }
}
