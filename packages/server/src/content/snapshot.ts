import type { EpochMs } from '@damson/core'
import type { CatalogKind } from '../engine/catalog.ts'
import { audienceOf, type Matches, matchesEveryone } from './audience/index.ts'
import { seedOf } from './assign.ts'
import { type Campaigns, compileCampaigns } from './campaigns.ts'
import { codeOf, type ContentDocuments, keptCampaignsOf, keptMessagesOf, keptTestsOf, sectionOf } from './documents.ts'
import { isoInstant } from './audience/literals.ts'
import { type Leaves, leavesOf, type Target } from './leaves.ts'
import type { BookmarkSource, CodeSource, ContentSource, KeptTest, VariableSource } from './source.ts'
import { compileMessages, type Messages } from './messages/compile.ts'
import { compileVariables, type Variables } from './variables.ts'

export interface Variant {
  readonly id: number
  readonly testId: number
  readonly name: string
  readonly weight: number
  readonly seed: number
  readonly leaves: Leaves
}

export interface Test {
  readonly id: number
  readonly source: KeptTest
  readonly variants: readonly Variant[]
  readonly byId: ReadonlyMap<number, Variant>
  readonly matches: Matches
  /** 0 to 1. */
  readonly share: number
  readonly seed: number
  readonly startAt: EpochMs
  readonly endAt: EpochMs
}

/** An app's content, ready to be decided upon. */
export interface Content {
  readonly code: CodeSource
  readonly audiences: ReadonlyMap<string, Matches>
  readonly variables: Variables
  /** In the order of their ids. */
  readonly tests: readonly Test[]
  readonly bookmarks: ReadonlyMap<string, BookmarkSource>
  readonly campaigns: Campaigns
  /** Who is meant by a name or an expression; a name that leads nowhere means nobody. */
  readonly target: Target
  readonly messages: Messages
}

/** Content is kept as the documents of this kind. */
export const contentKind: CatalogKind<Content> = { name: 'content', compile: compileContent }

export function compileContent(documents: ContentDocuments): Content {
  const code = codeOf(documents)
  const audiences = compileAudiences(sectionOf(documents, 'audiences'))
  const sources = sectionOf(documents, 'variables')
  const target = targetOf(audiences)
  const tests = Object.entries(keptTestsOf(documents)).map(([id, test]) =>
    compileTest(Number(id), test, sources, target),
  )
  return {
    code,
    audiences,
    variables: compileVariables(code, sources, target),
    tests: tests.sort((one, other) => one.id - other.id),
    campaigns: compileCampaigns(keptCampaignsOf(documents), target),
    bookmarks: new Map(Object.entries(sectionOf(documents, 'bookmarks'))),
    target,
    messages: compileMessages(
      keptMessagesOf(documents),
      sectionOf(documents, 'categories'),
      sectionOf(documents, 'caps'),
      tests.flatMap(({ id: testId, source: { variants } }) =>
        Object.entries(variants).map(([id, { messages = {} }]) => ({ variantId: Number(id), testId, messages })),
      ),
      target,
    ),
  }
}

function compileAudiences(sources: NonNullable<ContentSource['audiences']>): ReadonlyMap<string, Matches> {
  const compiled = new Map<string, Matches>()
  const lookup = (name: string): Matches => {
    const known = compiled.get(name)
    if (known !== undefined) return known
    const source = sources[name]
    if (source === undefined) return matchesNobody
    // Content with a circle is refused when it is applied; here it would only recurse.
    compiled.set(name, matchesNobody)
    const matches = audienceOf(source, lookup)
    compiled.set(name, matches)
    return matches
  }
  for (const name of Object.keys(sources)) lookup(name)
  return compiled
}

function targetOf(audiences: ReadonlyMap<string, Matches>): Target {
  const lookup = (name: string): Matches => audiences.get(name) ?? matchesNobody
  return ({ audience, where }) => {
    if (audience !== undefined) return lookup(audience)
    return where === undefined ? matchesEveryone : audienceOf(where, lookup)
  }
}

const matchesNobody: Matches = () => false

function compileTest(
  id: number,
  source: KeptTest,
  variables: Readonly<Record<string, VariableSource>>,
  target: Target,
): Test {
  const variants = Object.entries(source.variants).map(([text, variant]): Variant => {
    const { name, weight = 1, variables: values = {} } = variant
    return {
      id: Number(text),
      testId: id,
      name,
      weight,
      seed: seedOf(`${id}:${text}`),
      leaves: leavesOf(values, variables),
    }
  })
  return {
    id,
    source,
    variants,
    byId: new Map(variants.map((variant) => [variant.id, variant])),
    matches: target(source),
    share: (source.percent ?? 100) / 100,
    seed: seedOf(`${id}`),
    startAt: instantOf(source.start) ?? -Infinity,
    endAt: instantOf(source.end) ?? Infinity,
  }
}

function instantOf(text: string | undefined): EpochMs | null {
  return text === undefined ? null : isoInstant(text)
}
