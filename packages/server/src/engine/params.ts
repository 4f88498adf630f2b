import { type FlatParams, MAX_PARAMS, type Outcome, warned } from '@damson/core/protocol'
import type { Params } from './entries.ts'
import { isValidName, type NameKind } from './names.ts'
import type { Cast, Scene } from './scene.ts'

export interface KeptParams {
  readonly params?: Params
  /** How many there were, if that was too many. */
  readonly excess?: number
}

/** The first fifty parameters (unknowns 57). None at all when there are none. */
export function keepParams(params: FlatParams | undefined): KeptParams {
  if (params === undefined) return {}
  const names = Object.keys(params)
  if (names.length === 0) return {}
  if (names.length <= MAX_PARAMS) return { params }
  const kept: Record<string, string | number | boolean> = {}
  for (const name of names.slice(0, MAX_PARAMS)) kept[name] = params[name]!
  return { params: kept, excess: names.length }
}

/**
 * Looks at names this app has not used before. @returns a warning about the first that breaks a rule or a quota, if any
 * does; they are stored all the same (unknowns 58)
 */
export function nameWarning(kind: NameKind, names: readonly string[], cast: Cast, scene: Scene): Outcome | null {
  let warning: Outcome | null = null
  for (const name of names) {
    if (scene.names.has(kind, name)) continue
    if (!isValidName(name)) warning ??= warned('INVALID_NAME', { name })
    else if (scene.names.isFull(kind)) warning ??= warned('TOO_MANY_NAMES', { kind, name })
    else cast.newNames.push([kind, name])
  }
  return warning
}

/** The warnings about an event's or a state's own name and parameters; the first one that applies. */
export function contentWarning(
  kind: 'event' | 'state',
  name: string,
  { params, excess }: KeptParams,
  cast: Cast,
  scene: Scene,
): Outcome | null {
  const ofName = name === '' ? null : nameWarning(kind, [name], cast, scene)
  const ofCount = excess === undefined ? null : warned('TOO_MANY_PARAMS', { count: excess })
  const ofParams = params === undefined ? null : nameWarning('parameter', Object.keys(params), cast, scene)
  return ofName ?? ofCount ?? ofParams
}

/** The outcome with the warning of another, unless it has one of its own: the functional one comes first (2.1). */
export function noting(outcome: Outcome, noted: Outcome | null): Outcome {
  if (noted?.warning === undefined || outcome.warning !== undefined || outcome.error !== undefined) return outcome
  return { ...outcome, warning: noted.warning }
}
