/**
 * The arguments of one action as they came: text from a query or a form, or whatever JSON says. Nothing is checked yet
 * but its safety: no key `__proto__`, `constructor` or `prototype`, no NUL, no half surrogate, at any depth.
 */
export type RawArgs = Readonly<Record<string, unknown>>

/**
 * `null`, nothing at all and the empty text mean the same: not supplied (specification 1.5). Where the empty text has a
 * meaning, in `event` and `state`, it is the default.
 */
export function isAbsent(value: unknown): value is undefined | null | '' {
  return value === undefined || value === null || value === ''
}
