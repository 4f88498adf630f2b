import type { EpochMs } from '@damson/core'
import type { KeyClass } from '@damson/core/protocol'
import type { NameKind } from './names.ts'

/** One access key. Only its digest is kept; the key itself was shown once. */
export interface AppKey {
  readonly keyClass: KeyClass
  /** SHA-256 of the key, hexadecimal. */
  readonly sha256: string
  /** The last four characters, so that people can tell keys apart. */
  readonly last4: string
  readonly createdAt: EpochMs
  /** From this instant on the key is refused; `null` means never. */
  readonly expiresAt: EpochMs | null
}

export interface AppSettings {
  /** ISO 4217; values of events with a `currencyCode` are converted to it (specification 7.3). */
  readonly preferredCurrency: string
  /** The event whose value is revenue. */
  readonly monetizationEvent: string
  /** How many devMode requests a device may make at once; one a second on average (unknowns 12). */
  readonly devModeBurst: number
  /** Addresses that may register a device; empty means any valid one (unknowns 91). */
  readonly developers: readonly string[]
  /** Distinct names an app may use before warnings begin (specification 7.1). */
  readonly maxEventNames: number
  readonly maxStateNames: number
  readonly maxAttributeNames: number
  readonly maxParameterNames: number
}

export interface App {
  readonly appId: string
  readonly name: string
  /** A small integer, part of job ids and file names. */
  readonly number: number
  readonly keys: readonly AppKey[]
  readonly settings: AppSettings
  /** Fingerprints of the names its events, states, attributes and parameters have used (specification 7.1). */
  readonly names?: Partial<Readonly<Record<NameKind, readonly string[]>>>
}

export const DEFAULT_APP_SETTINGS: AppSettings = {
  preferredCurrency: 'USD',
  monetizationEvent: 'Purchase',
  devModeBurst: 10,
  developers: [],
  maxEventNames: 500,
  maxStateNames: 500,
  maxAttributeNames: 500,
  maxParameterNames: 200,
}
