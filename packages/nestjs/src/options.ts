import type { Client, ClientOptions, Clock, Consent, Identity, Params, Timers } from '@damson/core'
import type { CookieOptions } from '@damson/core/web'
import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency, Provider, Type } from '@nestjs/common'
import type { Carrier } from './carrier.ts'

/** A user's id, or both ids; nobody is fine, too. */
export type Identified = string | Identity | null | undefined

export interface AdapterOptions {
  /**
   * Who is signed in. Runs after guards; by default the `id`, `userId` or `sub` of what they left in `request.user`.
   * Microservices have no default: say whose message it is. Never take it from what a visitor may have written.
   */
  readonly identify?: (carrier: Carrier) => Identified | Promise<Identified>
  /** Signs the cookie that tells one visitor from another, newest first. Without it only signed-in users are tracked. */
  readonly secrets?: readonly string[]
  readonly cookie?: CookieOptions
  /** What is not to be tracked at all: health checks, webhooks. */
  readonly ignore?: (carrier: Carrier) => boolean
  /** `undefined` leaves it to the client's default. A visitor who denies gets no cookie. */
  readonly consent?: (carrier: Carrier) => Consent | undefined
  /** Hears of everything that went wrong; the application never does. By default it is logged. */
  readonly onError?: (error: unknown) => void
  /** How long the application waits, in each of two steps, for what is not yet sent when it shuts down. Default 5 s. */
  readonly shutdownTimeoutMs?: number
  /** For tests. */
  readonly clock?: Clock
  readonly timers?: Timers
}

/** Options of a client to be made, or a client that exists: that one is flushed at shutdown, but closed by its owner. */
export type DamsonOptions<E extends object = Record<string, Params>> = AdapterOptions &
  (ClientOptions<E> | { readonly client: Client<E> })

/** What cannot come from a factory, because the module's shape depends on it: the same for both forms. */
export interface ModuleExtras {
  /** Of several clients in one application; see `getDamsonToken`. */
  readonly name?: string
  readonly isGlobal?: boolean
  /** `false`: put `@UseInterceptors(DamsonInterceptor)` where you want it instead. */
  readonly interceptor?: boolean
  /** Answers the beacon of pages at `/damson/beacon`, and gives them its script. Of the client without a name. */
  readonly beacon?: boolean
}

export interface DamsonOptionsFactory<E extends object = Record<string, Params>> {
  createDamsonOptions(): DamsonOptions<E> | Promise<DamsonOptions<E>>
}

/** Exactly one of the three `use…`. */
export interface DamsonAsyncOptions<E extends object = Record<string, Params>> extends ModuleExtras {
  readonly imports?: NonNullable<ModuleMetadata['imports']>
  readonly inject?: readonly (InjectionToken | OptionalFactoryDependency)[]
  readonly useFactory?: (...dependencies: never[]) => DamsonOptions<E> | Promise<DamsonOptions<E>>
  readonly useClass?: Type<DamsonOptionsFactory<E>>
  readonly useExisting?: InjectionToken<DamsonOptionsFactory<E>>
  readonly extraProviders?: readonly Provider[]
}
