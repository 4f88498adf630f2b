import type { EpochMs } from '@damson/core'
import type { ActionName, ArgsOf, Common, Outcome } from '@damson/core/protocol'
import type { SessionRules } from '@damson/core/session'
import type { Upload } from '../content/files.ts'
import type { Files, Store } from '../store/store.ts'
import type { App } from './app.ts'
import type { Catalog } from './catalog.ts'
import type { Draft } from './draft.ts'
import type { IdSource } from './ids.ts'
import type { NameKind, Names } from './names.ts'
import type { Caller } from './perform.ts'
import type { Place } from './profile.ts'

/** Money: converts at the last known rates, at once (specification 7.3). */
export interface Money {
  /** `null`: the code is unknown, or no rate is known for it. */
  convert(amount: number, from: string, to: string): { readonly value: number } | null
}

/** Geography: where an address is; `null` when nobody knows (specification 7.5). */
export interface Locator {
  locate(address: string): Pick<Place, 'country' | 'region' | 'city' | 'location'> | null
}

/** What deciders may ask besides the profile. Everything here answers at once. */
export interface Services {
  readonly ids: IdSource
  readonly money: Money
  readonly locator: Locator
  readonly rules: SessionRules
  /** A token for `start`: 43 characters of base64url. */
  token(): string
  /** The rules and the content of the apps. */
  readonly catalog: Pick<Catalog, 'of' | 'revision'>
}

/** The secrets that outgoing calls are signed with, each made from the server's own. */
export interface Signing {
  /** As Standard Webhooks writes it: `whsec_` and base64. */
  secretOf(appId: string, kind: string, rule: number): string
}

/** Keeps a secret that has to be had again. */
export interface Sealing {
  /** Text that only this server can open again, and only for the same place. */
  seal(place: readonly string[], text: string): string
}

/** What actions without a profile may use besides: these take time. */
export interface AppPorts {
  readonly store: Store
  readonly files: Files
  readonly catalog: Catalog
  /** Has somebody look for jobs soon. */
  wakeJobs(): void
  /** Exported data becomes available in steps of this length. Milliseconds. */
  readonly availabilityMs: number
  /** `null`: nothing that is sent out is signed. */
  readonly signing: Signing | null
  /** `null`: this server keeps no secrets for anybody. */
  readonly sealing: Sealing | null
}

/** Where and when one action takes place. */
export interface Scene {
  readonly app: App
  readonly names: Names
  readonly services: Services
  readonly common: Common
  readonly caller: Caller
  /** The files that came with the request. */
  readonly uploads: readonly Upload[]
  /** When it happened, by our clock (specification 5.2). */
  readonly at: EpochMs
  /** When it reached us. */
  readonly now: EpochMs
}

/** The profiles of one turn. Deciders write to the drafts and to nothing else. */
export interface Cast {
  subject: Draft
  /** The profile that `newUserId` names; `null` when the action has none or it is unknown. */
  other: Draft | null
  /**
   * What becomes of the subject: `merged` into the other, `removed` with its history kept, `erased` with all of it, or
   * `blocked`, that is, erased but for a shell.
   */
  fate: 'stays' | 'merged' | 'removed' | 'erased' | 'blocked'
  /** Devices that change hands. */
  readonly devices: Map<string, 'subject' | 'other'>
  /** Names nobody of this app used before, within its quotas. */
  readonly newNames: [kind: NameKind, name: string][]
}

/** Decides what one action does to the profile it concerns. Synchronous; the same twice. */
export type Decide<Name extends ActionName> = (cast: Cast, args: ArgsOf<Name>, scene: Scene) => Outcome

/** Reads a profile; whatever it does to the draft is thrown away. */
export type Query<Name extends ActionName> = (draft: Draft, args: ArgsOf<Name>, scene: Scene) => Outcome
