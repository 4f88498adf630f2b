import type { EpochMs } from '@damson/core'

/** What a fact's values are. `any`: whatever the app sends, as with attributes. */
export type FactType = 'any' | 'text' | 'number' | 'instant' | 'boolean' | 'version'

export type TallyField = 'count' | 'value' | 'first' | 'last'

/** Something that is known of a user. */
export type Fact =
  | { readonly of: 'attribute'; readonly name: string }
  | { readonly of: 'event' | 'state'; readonly name: string; readonly field: TallyField }
  /** Of any device of the user. */
  | { readonly of: 'device'; readonly field: string }
  | { readonly of: 'place'; readonly field: PlaceField }
  /** Kilometres from here to the user's location. */
  | { readonly of: 'distance'; readonly latitude: number; readonly longitude: number }
  | { readonly of: 'session'; readonly field: 'count' | 'seconds' | 'active' }
  | { readonly of: 'user'; readonly field: UserField }
  /** Where the user came from. */
  | { readonly of: 'source'; readonly field: string }
  /** The variant the user is in. */
  | { readonly of: 'test'; readonly id: number }

export type PlaceField = 'country' | 'region' | 'city' | 'locale' | 'timezone'
export type UserField = 'id' | 'bucket' | 'created' | 'lastActive' | 'developer'

export type Literal =
  | { readonly is: 'text'; readonly value: string }
  | { readonly is: 'number'; readonly value: number }
  | { readonly is: 'boolean'; readonly value: boolean }
  | { readonly is: 'instant'; readonly at: EpochMs }
  /** So long before the moment the expression is asked. */
  | { readonly is: 'ago'; readonly ms: number }

export type Relation = '=' | '<' | '<=' | '>' | '>=' | 'contains' | 'startsWith' | 'endsWith'

/** An audience expression once it was read; what it means is said by `compile.ts`. */
export type Condition =
  | { readonly op: 'everyone' }
  | { readonly op: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly op: 'not'; readonly part: Condition }
  | { readonly op: 'isSet'; readonly fact: Fact }
  | { readonly op: 'compare'; readonly fact: Fact; readonly relation: Relation; readonly literal: Literal }
  | { readonly op: 'in'; readonly fact: Fact; readonly literals: readonly Literal[] }
  | { readonly op: 'audience'; readonly name: string }
