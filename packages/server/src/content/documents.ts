import type { KeptCampaign } from './campaigns.ts'
import type { CodeSource, ContentSource, KeptTest, Section } from './source.ts'
import type { KeptMessage } from './messages/source.ts'
import { NO_CODE } from './source.ts'

/** Content as it is kept: one document for each thing, `SECTION/NAME`, and `code` for what `setVars` said. */
export type ContentDocuments = ReadonlyMap<string, unknown>

export const CODE_DOCUMENT = 'code'

export function documentId(section: Section, name: string): string {
  return `${section}/${name}`
}

/** A section by name. */
export function sectionOf<S extends Section>(
  documents: ContentDocuments,
  section: S,
): Readonly<Record<string, NonNullable<ContentSource[S]>[string]>> {
  const prefix = `${section}/`
  const found = [...documents].filter(([id]) => id.startsWith(prefix))
  // What is kept under a section's name was checked by its schema.
  return Object.fromEntries(found.map(([id, value]) => [id.slice(prefix.length), value])) as never
}

export function keptTestsOf(documents: ContentDocuments): Readonly<Record<string, KeptTest>> {
  return sectionOf(documents, 'tests') as Readonly<Record<string, KeptTest>>
}

export function keptMessagesOf(documents: ContentDocuments): Readonly<Record<string, KeptMessage>> {
  return sectionOf(documents, 'messages') as Readonly<Record<string, KeptMessage>>
}

export function keptCampaignsOf(documents: ContentDocuments): Readonly<Record<string, KeptCampaign>> {
  return sectionOf(documents, 'campaigns')
}

export function codeOf(documents: ContentDocuments): CodeSource {
  return { ...NO_CODE, ...(documents.get(CODE_DOCUMENT) as CodeSource | undefined) }
}
