import { NOTICES } from './notices.ts'
import type { ErrorCode, NoticeCode, ValuesOf, WarningCode } from './notices.ts'

/**
 * What became of one action: one element of the response, before it is written down (specification 2.1).
 * `status` is the HTTP status if this is the only element; a `multi` answers 200 whatever its elements say.
 */
export interface Outcome {
  readonly status: number
  readonly success: boolean
  readonly warning?: string
  readonly error?: string
  readonly isOffline?: true
  readonly ignored?: true
  /** Where to go instead of reading this answer, relative to the request's own address; with status 302. */
  readonly redirect?: string
  /** The action's own results, in the order they are written. */
  readonly fields?: Readonly<Record<string, unknown>>
}

/** What an element may hold beside its message. */
export type OutcomeExtras = Pick<Outcome, 'isOffline' | 'ignored' | 'fields'>

/** Done, with nothing to say. One value for all: most answers are this one. */
export const DONE: Outcome = Object.freeze({ status: 200, success: true })

/** Done outside a session (specification 6.4). */
export const DONE_OFFLINE: Outcome = Object.freeze({ status: 200, success: true, isOffline: true })

export function done(fields?: Readonly<Record<string, unknown>>): Outcome {
  return fields === undefined ? DONE : { status: 200, success: true, fields }
}

/** The rest of a call: a notice's values, if it has any, then what else the element holds. */
type Rest<C extends NoticeCode> =
  ValuesOf<C> extends null ? [values?: null, extras?: OutcomeExtras] : [values: ValuesOf<C>, extras?: OutcomeExtras]

/** Received, but skipped or adjusted: `success` stays true, because it says that the request arrived. */
export function warned<C extends WarningCode>(code: C, ...[values, extras]: Rest<C>): Outcome {
  return { status: 200, success: true, warning: textOf(code, values), ...extras }
}

/** Not done. `success` is false, as recorded, though the documentation prints true (unknowns 4). */
export function failed<C extends ErrorCode>(code: C, ...[values, extras]: Rest<C>): Outcome {
  return { status: NOTICES[code].httpStatus, success: false, error: textOf(code, values), ...extras }
}

/** Adds a warning to what happened. One that is there already stays: the functional one beats the clock's (2.1). */
export function withWarning<C extends WarningCode>(outcome: Outcome, code: C, ...[values]: Rest<C>): Outcome {
  return outcome.warning === undefined ? { ...outcome, warning: textOf(code, values) } : outcome
}

/** A warning's text alone, for what is still being put together. */
export function warningText<C extends WarningCode>(code: C, ...[values]: Rest<C>): string {
  return textOf(code, values)
}

/** `track` with `disposition=requireActive` outside a session: not recorded, and clients can tell by `ignored` (6.5). */
export const IGNORED: Outcome = Object.freeze(warned('NO_ACTIVE_SESSION', null, { ignored: true }))

function textOf(code: NoticeCode, values: unknown): string {
  // `Rest` has made sure that the values are those of this code; a union of functions cannot be called otherwise.
  const text = NOTICES[code].text as string | ((values: unknown) => string)
  return typeof text === 'string' ? text : text(values)
}
