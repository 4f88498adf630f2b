import { hasNul, isUnsafeKey } from './json.ts'
import { MAX_FORM_FIELDS } from './limits.ts'
import { failed } from './outcome.ts'
import type { Outcome } from './outcome.ts'

/** Arguments that are ours to add to: freshly read, in nobody else's hands. */
export type OwnArgs = Record<string, unknown>

export type ArgsRead = { readonly ok: true; readonly args: OwnArgs } | { readonly ok: false; readonly outcome: Outcome }

/** With two of these, nobody could say which one was checked. @source assumed: unknowns 10, security of keys */
const ONLY_ONCE = new Set(['appId', 'clientKey'])

/** Reads a query or an `application/x-www-form-urlencoded` body. */
export function readForm(text: string): ArgsRead {
  if (text === '') return { ok: true, args: {} }
  if (hasTooManyFields(text)) return { ok: false, outcome: failed('REQUEST_TOO_COMPLEX') }
  return readFields(new URLSearchParams(text))
}

/** Reads pairs of names and texts. Of an argument that comes twice, the first counts, as in the vendor's servlets. */
export function readFields(fields: Iterable<readonly [string, string]>): ArgsRead {
  const args: OwnArgs = {}
  for (const [name, value] of fields) {
    if (isUnsafeKey(name) || hasNul(name) || hasNul(value)) return invalid(name)
    if (!Object.hasOwn(args, name)) args[name] = value
    else if (ONLY_ONCE.has(name)) return invalid(name)
  }
  return { ok: true, args }
}

function invalid(name: string): ArgsRead {
  return { ok: false, outcome: failed('INVALID_ARGUMENT', { name }) }
}

function hasTooManyFields(text: string): boolean {
  let count = 1
  for (let index = text.indexOf('&'); index !== -1; index = text.indexOf('&', index + 1)) {
    if (++count > MAX_FORM_FIELDS) return true
  }
  return false
}
