import type { Matches } from './audience/index.ts'
import { flattened } from './names.ts'
import type { Json, VariableType } from './source.ts'
import { wireValue } from './value.ts'

/** Values of variables by dotted name: leaves of the tree. */
export type Leaves = readonly (readonly [name: string, value: Json])[]

/** Whom something is for: a named audience, an expression on the spot, or everyone. */
export interface Targeted {
  readonly audience?: string | undefined
  readonly where?: string | undefined
}

export type Target = (targeted: Targeted) => Matches

/** Values by name as leaves, colours as numbers. */
export function leavesOf(
  values: Readonly<Record<string, Json>>,
  variables: Readonly<Record<string, { readonly type: VariableType }>>,
): Leaves {
  return [...flattened(values)].map(
    ([name, value]) => [name, wireValue(variables[name]?.type ?? 'string', value)] as const,
  )
}
