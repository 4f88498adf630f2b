import { INVALID } from './coerce.ts'
import type { KeyClass } from './key-class.ts'
import { isAbsent } from './raw-args.ts'
import type { RawArgs } from './raw-args.ts'
import type { JsonSchema, Piece, ValueOf } from './wire.ts'

/** The arguments of an action by name, in the order in which they are checked. */
export type ArgShape = Readonly<Record<string, Piece<unknown>>>

export type CreateDisposition = 'CreateIfNeeded' | 'CreateNever'

export type HttpMethod = 'GET' | 'POST'

/** One action of the API: everything about it but its effect. */
export interface ActionDefinition<S extends ArgShape = ArgShape> {
  /** `profile`: decides about one profile; `app`: asks the app; `batch`: is made of other actions. */
  readonly scope: 'profile' | 'app' | 'batch'
  /** The keys that may call it (specification 3.1); the first is the documented one. */
  readonly keys: readonly KeyClass[]
  /** What happens to an unknown user if the request does not say; `null`: the action has no such argument. */
  readonly createDisposition: CreateDisposition | null
  /** Which ids an action must carry (specification 4.1). `optional`: may go without, with the development key. */
  readonly subject: 'userOrDevice' | 'device' | 'optional' | 'none'
  /** Whether it is refused inside a `multi` (specification 8.11). */
  readonly alone: boolean
  /** All actions accept both; the first is the one to document (specification 1.2). */
  readonly methods: readonly [HttpMethod, ...HttpMethod[]]
  /** One sentence for the reference. */
  readonly summary: string
  /** Where the specification speaks of it. */
  readonly section: string
  /** Its own arguments; those common to all are in `COMMON_ARGS`. */
  readonly args: S
  /** Fields of the answer beside `success`, `warning`, `error` and `reqId`. */
  readonly result: Readonly<Record<string, JsonSchema>>
  /** `args` once more, as a list: what `parseArgs` walks. */
  readonly compiled: readonly CompiledArg[]
}

interface CompiledArg {
  readonly name: string
  readonly piece: Piece<unknown>
}

type Row<S extends ArgShape> = Omit<ActionDefinition<S>, 'compiled' | 'methods' | 'subject' | 'alone' | 'result'> &
  Partial<Pick<ActionDefinition<S>, 'methods' | 'subject' | 'alone' | 'result'>>

/** Writes one row of the action table. */
export function action<S extends ArgShape>(row: Row<S>): ActionDefinition<S> {
  return {
    methods: ['POST', 'GET'],
    subject: row.scope === 'profile' ? 'userOrDevice' : 'none',
    alone: false,
    result: {},
    ...row,
    compiled: Object.entries(row.args).map(([name, piece]) => ({ name, piece })),
  }
}

type Simplify<T> = { [K in keyof T]: T[K] }

/** What a handler gets: an argument that was not supplied is not there, unless it has a default. */
export type ArgsOfShape<S extends ArgShape> = Simplify<
  { readonly [K in keyof S as S[K]['presence'] extends 'optional' ? never : K]: ValueOf<S[K]> } & {
    readonly [K in keyof S as S[K]['presence'] extends 'optional' ? K : never]?: ValueOf<S[K]>
  }
>

export type ParsedArgs<T> =
  | { readonly ok: true; readonly args: T }
  | { readonly ok: false; readonly missing: string }
  | { readonly ok: false; readonly invalid: string }

/** Reads an action's own arguments. Unknown ones are passed over (specification 1.5). */
export function parseArgs<S extends ArgShape>(
  definition: ActionDefinition<S>,
  raw: RawArgs,
): ParsedArgs<ArgsOfShape<S>> {
  const args: Record<string, unknown> = {}
  const { compiled } = definition
  for (let index = 0; index < compiled.length; index++) {
    const { name, piece } = compiled[index]!
    const given = raw[name]
    if (isAbsent(given)) {
      if (piece.presence === 'required' || isDue(piece, raw)) return { ok: false, missing: name }
      if (piece.presence === 'defaulted') args[name] = piece.fallback
      continue
    }
    const value = piece.coerce(given)
    if (value === INVALID) return { ok: false, invalid: name }
    args[name] = value
  }
  // The loop has filled in exactly what the pieces of `S` promise; the compiler cannot follow it there.
  return { ok: true, args: args as ArgsOfShape<S> }
}

/** An empty argument is due unless the other one is supplied: `event`, or a `messageId` (specification 7.1). */
function isDue(piece: Piece<unknown>, raw: RawArgs): boolean {
  return piece.unless !== null && isAbsent(raw[piece.unless])
}
