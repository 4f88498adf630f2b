import { codes } from 'currency-codes'

let known: ReadonlySet<string> | undefined

/**
 * Whether a code, in any case, is one of ISO 4217. The list is that of `currency-codes` and of the runtime's own ICU
 * data: the package is as old as its last release, and every Node release brings the newest codes with it.
 */
export function isCurrency(code: string): boolean {
  known ??= new Set([...codes(), ...Intl.supportedValuesOf('currency')])
  return known.has(code.toUpperCase())
}
