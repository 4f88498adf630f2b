import type { EpochMs } from '../clock.ts'
import { coerceList, coerceListOf, coerceObject } from './coerce-json.ts'
import {
  coerceBoolean,
  coerceChoice,
  coerceFloat,
  coerceId,
  coerceInstant,
  coerceInteger,
  coerceText,
} from './coerce.ts'
import type { INVALID } from './coerce.ts'
import { coerceAttributes, coerceFlatParams, coerceJsonText } from './coerce-values.ts'
import { MAX_ID_LENGTH } from './limits.ts'
import type { AttributeInput, FlatParams } from './coerce-values.ts'

/** A fragment of JSON Schema 2020-12, as OpenAPI 3.1 takes it. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** Whether a value is there after parsing: always (`required` or `defaulted`), or only if it was sent. */
export type Presence = 'required' | 'defaulted' | 'optional'

/**
 * One argument of an action: how its value is read from the wire, and how it is described. The same value comes as native
 * JSON, as text, or as JSON inside text (specification 1.5); after `coerce` there is one form only.
 */
export interface Piece<T, P extends Presence = Presence> {
  /** Never called with `null`, `undefined` or the empty string: those mean "not supplied". */
  readonly coerce: (value: unknown) => T | typeof INVALID
  readonly schema: JsonSchema
  readonly presence: P
  /** What stands in for a value that was not supplied. */
  readonly fallback: T | undefined
  /** Something must be supplied here unless the argument of this name is. */
  readonly unless: string | null

  required(): Piece<T, 'required'>
  default(value: T): Piece<T, 'defaulted'>
  requiredUnless(other: string): Piece<T, P>
  describe(description: string): Piece<T, P>
}

/** The value an action's handler sees. */
export type ValueOf<S> = S extends Piece<infer T> ? T : never

type Core<T, P extends Presence> = Omit<Piece<T, P>, 'required' | 'default' | 'requiredUnless' | 'describe'>

function build<T, P extends Presence>(core: Core<T, P>): Piece<T, P> {
  return {
    ...core,
    required: () => build({ ...core, presence: 'required' }),
    default: (value) =>
      build({ ...core, presence: 'defaulted', fallback: value, schema: { ...core.schema, default: value } }),
    requiredUnless: (other) => build({ ...core, unless: other }),
    describe: (description) => build({ ...core, schema: { ...core.schema, description } }),
  }
}

function piece<T>(coerce: (value: unknown) => T | typeof INVALID, schema: JsonSchema): Piece<T, 'optional'> {
  return build({ coerce, schema, presence: 'optional', fallback: undefined, unless: null })
}

const ANY_OBJECT = { type: 'object', additionalProperties: true }
const SCALAR = { type: ['string', 'number', 'boolean'] }

/** The pieces that argument lists are made of. Each call makes a new piece, optional until it says otherwise. */
export const wire = {
  text: (): Piece<string, 'optional'> => piece(coerceText, { type: 'string' }),
  /** A user or device id (specification 4.1). */
  id: (): Piece<string, 'optional'> => piece(coerceId, { type: 'string', maxLength: MAX_ID_LENGTH }),
  float: (): Piece<number, 'optional'> => piece(coerceFloat, { type: 'number' }),
  /** Safe integers only: entity ids have 16 digits and stay below 2^53. */
  integer: (): Piece<number, 'optional'> => piece(coerceInteger, { type: 'integer' }),
  boolean: (): Piece<boolean, 'optional'> => piece(coerceBoolean, { type: 'boolean' }),
  /** UNIX seconds on the wire, fractions allowed; whole milliseconds from here on. */
  instant: (): Piece<EpochMs, 'optional'> => piece(coerceInstant, { type: 'number', description: 'UNIX seconds' }),
  /** A map whose members the handler checks. */
  object: (): Piece<Readonly<Record<string, unknown>>, 'optional'> => piece(coerceObject, ANY_OBJECT),
  /** A list of anything; a single scalar counts as a list of one. */
  list: (): Piece<readonly unknown[], 'optional'> => piece(coerceList, { type: 'array', items: {} }),
  stringList: (): Piece<readonly string[], 'optional'> =>
    piece((value) => coerceListOf(value, coerceText), { type: 'array', items: { type: 'string' } }),
  integerList: (): Piece<readonly number[], 'optional'> =>
    piece((value) => coerceListOf(value, coerceInteger), { type: 'array', items: { type: 'integer' } }),
  objectList: (): Piece<readonly Readonly<Record<string, unknown>>[], 'optional'> =>
    piece((value) => coerceListOf(value, coerceObject), { type: 'array', items: ANY_OBJECT }),
  choice: <const C extends string>(choices: readonly C[], { anyCase = false } = {}): Piece<C, 'optional'> =>
    piece((value) => coerceChoice(value, choices, anyCase), { type: 'string', enum: choices }),
  choiceList: <const C extends string>(choices: readonly C[]): Piece<readonly C[], 'optional'> =>
    piece((value) => coerceListOf(value, (item) => coerceChoice(item, choices, false)), {
      type: 'array',
      items: { type: 'string', enum: choices },
    }),
  /** Parameters of events and states (specification 7.1): flat; what is nested becomes JSON text, `null` is left out. */
  flatParams: (): Piece<FlatParams, 'optional'> =>
    piece(coerceFlatParams, { type: 'object', additionalProperties: SCALAR }),
  /** User attributes (specification 7.4); `null` clears one. */
  attributes: (): Piece<Readonly<Record<string, AttributeInput>>, 'optional'> =>
    piece(coerceAttributes, {
      type: 'object',
      additionalProperties: { anyOf: [SCALAR, { type: 'array', items: SCALAR }, { type: 'null' }] },
    }),
  /** Text that holds JSON and is kept as text; native JSON is written down. */
  jsonText: (): Piece<string, 'optional'> =>
    piece(coerceJsonText, { type: 'string', contentMediaType: 'application/json' }),
}
