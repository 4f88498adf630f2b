import { ACTIONS } from '@damson/core/protocol'
import file from './wire-examples.json' with { type: 'json' }

/** One recorded, documented or chosen exchange with the API. The file is taken over whole and never edited. */
export interface Vector {
  readonly name: string
  readonly basis: string
  readonly precondition: string
  readonly request: {
    readonly method: string
    readonly query: Readonly<Record<string, unknown>>
    readonly body: unknown
    readonly contentType?: string
  }
  readonly expect: {
    readonly status: number
    readonly body: unknown
    readonly headers?: Readonly<Record<string, string>>
    readonly absent?: readonly string[]
    readonly note?: string
  }
}

export const vectors: readonly Vector[] = file.vectors

/** Actions that vectors speak of and the table does not hold yet. An action leaves this list when it enters the table. */
export const WAITING: Readonly<Record<string, string>> = {}

/** Vectors about a part of an action that is not built yet, though the action is there. */
export const WAITING_VECTORS: Readonly<Record<string, string>> = {}

/** The names a vector makes up to be unknown. */
export const MADE_UP_ACTIONS: readonly string[] = ['nope', 'trakc']

/** Every action a vector speaks of, inside batches and inside bodies given as text too. */
export function actionsOf({ request }: Vector): readonly string[] {
  const body = typeof request.body === 'string' ? request.body : JSON.stringify(request.body ?? {})
  const inBody = [...body.matchAll(/\\?"action\\?"\s*:\s*\\?"(\w+)|(?:^|&)action=(\w+)/g)].map(
    (found) => found[1] ?? found[2]!,
  )
  const { action } = request.query
  return [...(typeof action === 'string' ? [action] : []), ...inBody]
}

/** Why a vector cannot be run yet; `null` if it can. */
export function reasonToWait(vector: Vector): string | null {
  const waiting = actionsOf(vector).find((name) => !Object.hasOwn(ACTIONS, name) && Object.hasOwn(WAITING, name))
  return WAITING_VECTORS[vector.name] ?? (waiting === undefined ? null : `${waiting}: ${WAITING[waiting]}`)
}
