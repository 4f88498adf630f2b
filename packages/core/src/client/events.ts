import type { BeforeSend, Draft, Rejection } from './before-send.ts'

/** The part of Standard Schema we call (https://standardschema.dev); zod, valibot and arktype all have it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

type SchemaResult<Output> =
  { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly { readonly message: string }[] }

declare const PARAMS: unique symbol
/** Parameters by plain TypeScript: a type and nothing at run time. */
export interface ParamsOf<P> {
  readonly [PARAMS]?: P
}

/** `null` for an event without parameters, `params<…>()` for plain types, or any Standard Schema. */
export type EventDefinition = null | ParamsOf<object> | StandardSchema

/** The events of an app. `E` maps each name to its parameters. */
export interface EventContract<E extends object> {
  /** Goes before all other steps: puts in the parameters as the schema of an event gives them, or drops as `invalid`. */
  readonly check: BeforeSend
  readonly events?: E
}

type ParamsFrom<D> = D extends null
  ? NoParams
  : D extends StandardSchema<infer Input>
    ? Input
    : D extends ParamsOf<infer P>
      ? P
      : never

/** Of an event without parameters: `{}` at most. */
export type NoParams = Readonly<Record<string, never>>

export type EventsFrom<D extends Readonly<Record<string, EventDefinition>>> = { [N in keyof D]: ParamsFrom<D[N]> }

/** Declares parameters by plain TypeScript: `params<{ item: string; price: number }>()`. */
export function params<P extends object>(): ParamsOf<P> {
  return {}
}

/**
 * Declares the events of an app once. A wrong name or parameter is then a compile error; events with a schema are also
 * checked when they are tracked, and dropped as `invalid` if they do not fit.
 */
export function defineEvents<const D extends Readonly<Record<string, EventDefinition>>>(
  definitions: D,
): EventContract<EventsFrom<D>> {
  const schemas = new Map(Object.entries(definitions))
  return {
    check(draft) {
      const definition = draft.action === 'track' ? schemas.get(draft.name ?? '') : undefined
      // One that is not declared passes: types said so already, and dropping data for a typo helps nobody.
      return isSchema(definition) ? checkBy(definition, draft) : draft
    },
  }
}

/** What `track` takes after the name: parameters may be left out only where none is required. */
export type TrackRest<P, Options> = NoParams extends P
  ? [params?: P, options?: Options]
  : [params: P, options?: Options]

function checkBy(schema: StandardSchema, draft: Draft): Draft | Rejection {
  const result = schema['~standard'].validate(draft.params ?? {})
  if (result instanceof Promise) {
    // Whatever it comes to is too late, but it must not become an unhandled rejection.
    result.catch(() => undefined)
    return invalid(`the schema of ${draft.name} answers later: track() needs one that answers at once`)
  }
  if (result.issues !== undefined) return invalid(result.issues.map((issue) => issue.message).join('; '))
  return { ...draft, params: result.value as Readonly<Record<string, unknown>> }
}

function invalid(detail: string): Rejection {
  return { drop: 'invalid', detail }
}

function isSchema(definition: EventDefinition | undefined): definition is StandardSchema {
  return definition !== null && definition !== undefined && '~standard' in definition
}
