import type { Matches } from './audience/index.ts'
import { type Leaves, leavesOf, type Target } from './leaves.ts'
import { stepsOf } from './names.ts'
import type { CodeSource, Json, TargetedValue, VariableSource } from './source.ts'
import { SharedTree } from './tree.ts'

type Tree = Readonly<Record<string, Json>>

interface Choice {
  readonly matches: Matches
  readonly leaves: Leaves
}

/** The variables of an app, laid out so that deciding for a user touches only what differs. */
export interface Variables {
  /** What the code has, by dotted name. */
  readonly code: ReadonlyMap<string, Json>
  readonly steps: ReadonlyMap<string, readonly string[]>
  /** What everybody gets: what was published, else what the code has. */
  readonly full: Tree
  /** Of that, what differs from the code, in the form of differences. */
  readonly differing: Tree
  /** For each variable with values by audience, those in their order. */
  readonly targeted: readonly (readonly Choice[])[]
}

/** @source documented: message priorities (specification 8.1); taken over for variables */
const DEFAULT_PRIORITY = 1000

export function compileVariables(
  source: CodeSource,
  variables: Readonly<Record<string, VariableSource>>,
  target: Target,
): Variables {
  const code = new Map(Object.entries(source.defaults))
  const published = Object.entries(variables).flatMap(([name, { value }]) =>
    value === undefined ? [] : leavesOf({ [name]: value }, variables),
  )
  const targeted = Object.entries(variables)
    .filter(([, { values = [] }]) => values.length > 0)
    .map(([name, { values = [] }]) =>
      inOrder(values).map((one): Choice => ({
        matches: target(one),
        leaves: leavesOf({ [name]: one.value }, variables),
      })),
    )
  const names = [
    ...code.keys(),
    ...published.map(([name]) => name),
    ...targeted.flat().flatMap(({ leaves }) => leaves.map(([name]) => name)),
  ]
  const steps = new Map(names.map((name) => [name, stepsOf(name)]))
  const bare = { code, steps, full: {}, differing: {}, targeted: [] }
  return {
    ...bare,
    full: varsOf({ ...bare, full: {} }, [...code, ...published], true),
    differing: varsOf(bare, published, false),
    targeted,
  }
}

function inOrder(values: readonly TargetedValue[]): readonly TargetedValue[] {
  return [...values].sort((one, other) => (one.priority ?? DEFAULT_PRIORITY) - (other.priority ?? DEFAULT_PRIORITY))
}

/** What the audiences give a user: of each variable the first value that fits. */
export function targetedLeaves({ targeted }: Variables, isIn: (matches: Matches) => boolean): Leaves {
  const leaves: (readonly [string, Json])[] = []
  for (const choices of targeted) {
    for (const choice of choices) {
      if (!isIn(choice.matches)) continue
      leaves.push(...choice.leaves)
      break
    }
  }
  return leaves
}

/**
 * The `vars` of an answer: what everybody gets, with some leaves set over it, later ones over earlier ones. Without
 * defaults only what differs from the code, lists then as objects of their elements (specification 7.7).
 */
export function varsOf(variables: Variables, leaves: Leaves, includeDefaults: boolean): Tree {
  const { full, differing, code, steps } = variables
  if (leaves.length === 0) return includeDefaults ? full : differing
  const tree = new SharedTree(includeDefaults ? full : differing)
  for (const [name, value] of leaves) {
    const path = steps.get(name) ?? stepsOf(name)
    if (includeDefaults) {
      tree.set(path, value)
      continue
    }
    const inCode = code.get(name)
    if (isSame(value, inCode)) tree.remove(path)
    else tree.set(path, differenceOf(value, inCode))
  }
  return tree.root
}

function isSame(value: Json, other: Json | undefined): boolean {
  if (value === other) return true
  return typeof value === 'object' && typeof other === 'object' && JSON.stringify(value) === JSON.stringify(other)
}

/** @source observed: specification 7.7, lists in differences are objects keyed `"[0]"`, `"[1]"` */
function differenceOf(value: Json, inCode: Json | undefined): Json {
  if (!Array.isArray(value)) return value
  const elements: readonly Json[] = value
  const before: readonly Json[] = Array.isArray(inCode) ? inCode : []
  const differing = elements.flatMap((element, index) =>
    isSame(element, before[index]) ? [] : [[`[${index}]`, element] as const],
  )
  return Object.fromEntries(differing)
}
