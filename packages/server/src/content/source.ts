import type { EpochMs } from '@damson/core'
import type { CapSource, CategorySource, MessageSource } from './messages/source.ts'
import type { CampaignSource } from './campaigns.ts'

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/** What a variable may hold (specification 7.7). */
export const VARIABLE_TYPES = ['string', 'integer', 'float', 'boolean', 'color', 'file', 'group', 'list'] as const
export type VariableType = (typeof VARIABLE_TYPES)[number]

/** A value for some users: those of a named audience, or of an expression written on the spot. */
export interface TargetedValue {
  readonly audience?: string | undefined
  readonly where?: string | undefined
  readonly value: Json
  /** Lower ones first; the first that fits is taken. Without one, 1000. */
  readonly priority?: number | undefined
}

/** A variable as people write it down. Dots in its name make groups. */
export interface VariableSource {
  readonly type: VariableType
  readonly description?: string | undefined
  /** What everybody gets; without it, what the code says. */
  readonly value?: Json | undefined
  readonly values?: readonly TargetedValue[] | undefined
}

export interface VariantSource {
  readonly name: string
  /** Its share among those who take part, in relation to the others. Without one, 1. */
  readonly weight?: number | undefined
  /** Values by the names of variables; those it does not name are as without the test. */
  readonly variables?: Readonly<Record<string, Json>> | undefined
  /** Parts of the content of messages, by their ids; the rest of it is as without the test. */
  readonly messages?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined
}

export const TEST_STATES = ['draft', 'running', 'finished'] as const

/** An A/B test as people write it down. */
export interface TestSource {
  readonly name: string
  readonly state: (typeof TEST_STATES)[number]
  readonly audience?: string | undefined
  readonly where?: string | undefined
  /** How many of the audience take part, 0 to 100. Without one, all. */
  readonly percent?: number | undefined
  /** Whoever is in it stays in it, though they leave the audience. */
  readonly sticky?: boolean | undefined
  /** ISO 8601; nobody enters before, nobody is in it from `end` on. */
  readonly start?: string | undefined
  readonly end?: string | undefined
  /** By their ids. */
  readonly variants: Readonly<Record<string, VariantSource>>
  /** Which variant these users see, whatever the rest says, even of a draft. */
  readonly testers?: Readonly<Record<string, number>> | undefined
  /** Of a finished test: the variant the whole audience gets from now on. */
  readonly chosenVariant?: number | undefined
}

/** A report that is asked for by its name: which events are counted, and of whom. */
export interface BookmarkSource {
  readonly description?: string | undefined
  /** Without any, all. */
  readonly events?: readonly string[] | undefined
  readonly audience?: string | undefined
  readonly where?: string | undefined
}

/** A test as it is kept. */
export interface KeptTest extends TestSource {
  readonly createdAt: EpochMs
  readonly updatedAt: EpochMs
  readonly finishedAt?: EpochMs
  /** Who wrote it down first, and who published it as it is now; as they call themselves, if they said. */
  readonly createdBy?: string
  readonly publishedBy?: string
}

/** What people write down: content as code. */
export interface ContentSource {
  /** Expressions by the names of audiences. */
  readonly audiences?: Readonly<Record<string, string>> | undefined
  readonly variables?: Readonly<Record<string, VariableSource>> | undefined
  /** By their ids. */
  readonly tests?: Readonly<Record<string, TestSource>> | undefined
  readonly bookmarks?: Readonly<Record<string, BookmarkSource>> | undefined
  /** By their ids. */
  readonly messages?: Readonly<Record<string, MessageSource>> | undefined
  /** What people unsubscribe from, by their ids. */
  readonly categories?: Readonly<Record<string, CategorySource>> | undefined
  /** How many messages one user gets in all, by channel. */
  readonly caps?: Readonly<Record<string, CapSource>> | undefined
  /** By their ids. */
  readonly campaigns?: Readonly<Record<string, CampaignSource>> | undefined
}

export const SECTIONS = [
  'audiences',
  'variables',
  'tests',
  'bookmarks',
  'messages',
  'categories',
  'caps',
  'campaigns',
] as const satisfies readonly (keyof ContentSource)[]
export type Section = (typeof SECTIONS)[number]

/** What the app's code says with `setVars` (specification 8.14). */
export interface CodeSource {
  /** Default values by dotted name. */
  readonly defaults: Readonly<Record<string, Json>>
  /** The kind the SDK gave a variable, in its own words. */
  readonly kinds: Readonly<Record<string, string>>
  readonly actionDefinitions: Readonly<Record<string, Json>>
  readonly fileAttributes: Readonly<Record<string, Json>>
}

export const NO_CODE: CodeSource = { defaults: {}, kinds: {}, actionDefinitions: {}, fileAttributes: {} }
