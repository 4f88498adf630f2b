import type { App } from './app.ts'
import { fingerprint } from './hash.ts'

/** The kinds of names an app has a limited number of (specification 7.1). */
export const NAME_KINDS = ['event', 'state', 'attribute', 'parameter'] as const
export type NameKind = (typeof NAME_KINDS)[number]

/** @source documented: specification 7.1 */
export const NAME_MAX_LENGTH = 139

const FORBIDDEN = /^[.-]|\/$|[,|"{\t\n\r]/
const NUMERIC = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/**
 * Whether a name of an event, state, attribute or parameter follows the documented rules. One that does not is stored all
 * the same, with a warning (unknowns 58). @source documented: specification 7.1
 */
export function isValidName(name: string): boolean {
  return name.length > 0 && name.length <= NAME_MAX_LENGTH && !FORBIDDEN.test(name) && !NUMERIC.test(name)
}

/** The names an app has used so far: what warnings about quotas are made from. */
export interface Names {
  /** Used before, so it was looked at before. */
  has(kind: NameKind, name: string): boolean
  /** No further name of this kind is within the quota. */
  isFull(kind: NameKind): boolean
}

/**
 * Remembers the names of one app, at most as many as its quotas allow. What is written down are fingerprints: a name may
 * hold something of a person who is erased later.
 */
export class NameBook implements Names {
  readonly #fingerprints: Readonly<Record<NameKind, Set<string>>>
  /** Names this process has met, so that only a new one has to be worked out. */
  readonly #met: Readonly<Record<NameKind, Set<string>>>
  readonly #limits: Readonly<Record<NameKind, number>>

  constructor({ names, settings }: App) {
    const setOf = (kind: NameKind) => new Set(names?.[kind])
    this.#fingerprints = {
      event: setOf('event'),
      state: setOf('state'),
      attribute: setOf('attribute'),
      parameter: setOf('parameter'),
    }
    this.#met = { event: new Set(), state: new Set(), attribute: new Set(), parameter: new Set() }
    const { maxEventNames, maxStateNames, maxAttributeNames, maxParameterNames } = settings
    this.#limits = {
      event: maxEventNames,
      state: maxStateNames,
      attribute: maxAttributeNames,
      parameter: maxParameterNames,
    }
  }

  has(kind: NameKind, name: string): boolean {
    if (this.#met[kind].has(name)) return true
    if (!this.#fingerprints[kind].has(fingerprint(name))) return false
    this.#met[kind].add(name)
    return true
  }

  isFull(kind: NameKind): boolean {
    return this.#fingerprints[kind].size >= this.#limits[kind]
  }

  /** @returns whether it was new and there was room for it */
  add(kind: NameKind, name: string): boolean {
    if (this.has(kind, name) || this.isFull(kind)) return false
    this.#fingerprints[kind].add(fingerprint(name))
    this.#met[kind].add(name)
    return true
  }

  /** Takes over fingerprints noted elsewhere, as far as there is room. */
  take(kind: NameKind, fingerprints: readonly string[]): void {
    for (const one of fingerprints) if (!this.isFull(kind)) this.#fingerprints[kind].add(one)
  }

  /** The fingerprints, as they are kept. */
  toJSON(): Record<NameKind, readonly string[]> {
    const { event, state, attribute, parameter } = this.#fingerprints
    return { event: [...event], state: [...state], attribute: [...attribute], parameter: [...parameter] }
  }
}
