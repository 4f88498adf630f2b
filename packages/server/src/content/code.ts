import { flattened, isSafeName, isWithin } from './names.ts'
import type { CodeSource, Json } from './source.ts'

/** @source documented: specification 7.7, all variables of an app together */
export const MAX_VARIABLES_BYTES = 1024 * 1024

type Fields = Readonly<Record<string, unknown>>

/** What `setVars` brings; whatever is not there stays as it was. */
export interface VarsToSet {
  readonly vars?: Fields
  readonly kinds?: Fields
  readonly actionDefinitions?: Fields
  readonly fileAttributes?: Fields
}

/** The code's variables with new values among them: what is not named stays (specification 8.14). `null`: a bad name. */
export function withVars(code: CodeSource, { vars = {}, kinds = {}, ...rest }: VarsToSet): CodeSource | null {
  // Arguments were read from JSON, so their values are JSON.
  const given = flattened(vars as Readonly<Record<string, Json>>)
  if (![...given.keys()].every(isSafeName)) return null
  const kept = Object.entries(code.defaults).filter(
    ([name]) => !given.has(name) && ![...given.keys()].some((one) => isWithin(one, name) || isWithin(name, one)),
  )
  const names = Object.entries(kinds).filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return {
    defaults: { ...Object.fromEntries(kept), ...Object.fromEntries(given) },
    kinds: { ...code.kinds, ...Object.fromEntries(names) },
    actionDefinitions: { ...code.actionDefinitions, ...(rest.actionDefinitions as CodeSource['actionDefinitions']) },
    fileAttributes: { ...code.fileAttributes, ...(rest.fileAttributes as CodeSource['fileAttributes']) },
  }
}

/** The code's variables without those of these names, or within groups of these names. */
export function withoutVars(code: CodeSource, names: readonly string[]): CodeSource {
  const isLeft = ([name]: readonly [string, unknown]): boolean => !names.some((one) => isWithin(name, one))
  return {
    ...code,
    defaults: Object.fromEntries(Object.entries(code.defaults).filter(isLeft)),
    kinds: Object.fromEntries(Object.entries(code.kinds).filter(isLeft)),
  }
}
