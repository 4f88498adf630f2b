import type { EpochMs } from '@damson/core'
import type { DocumentSet } from '../store/store.ts'
import { checkContent, type ContentProblem } from './check.ts'
import { type CampaignSource, keptCampaign } from './campaigns.ts'
import { codeOf, documentId, keptCampaignsOf, keptMessagesOf, keptTestsOf, sectionOf } from './documents.ts'
import type { MessageSource } from './messages/source.ts'
import { type ContentSource, type KeptTest, type Section, SECTIONS, type TestSource } from './source.ts'

/** One thing that becomes another. */
export interface PlannedChange {
  readonly type: 'add' | 'change' | 'remove'
  readonly section: Section
  readonly name: string
  /** Of what changes, the fields by dotted path, before and after; JSON text, '' where there is none. */
  readonly fields: readonly { readonly field: string; readonly before: string; readonly after: string }[]
}

export type Plan =
  | { readonly ok: true; readonly changes: readonly PlannedChange[]; readonly put: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly problems: readonly ContentProblem[] }

/**
 * What it takes to make the kept content what was written down. A section that is there is taken whole: what it does not
 * name is removed. A section that is not there stays as it is. Pure.
 * @param by who says so, in whatever words; `null`: nobody knows
 */
export function planContent(
  wanted: ContentSource,
  { documents }: Pick<DocumentSet, 'documents'>,
  now: EpochMs,
  by: string | null = null,
): Plan {
  const kept = exportedContent(documents)
  const whole = { ...kept, ...defined(wanted) }
  const problems = checkContent(whole, Object.keys(codeOf(documents).defaults))
  if (problems.length > 0) return { ok: false, problems }
  const keep = keepers(documents, now, by)
  const put: Record<string, unknown> = {}
  const changes = SECTIONS.flatMap((section) =>
    changesOf(section, kept[section] ?? {}, whole[section] ?? {}).map((change) => {
      const { type, name } = change
      const value = whole[section]?.[name]
      put[documentId(section, name)] = type === 'remove' ? null : (keep[section]?.(value, name) ?? value)
      return change
    }),
  )
  return { ok: true, changes, put }
}

type Keep = (written: unknown, name: string) => unknown

/** Of which things more is kept than was written down, and what. */
function keepers(
  documents: DocumentSet['documents'],
  now: EpochMs,
  by: string | null,
): Readonly<Partial<Record<Section, Keep>>> {
  const [tests, messages, campaigns] = [keptTestsOf(documents), keptMessagesOf(documents), keptCampaignsOf(documents)]
  // Checked before: each is what its section holds.
  return {
    tests: (test, name) => withAuthors(withDates(test as TestSource, tests[name], now), tests[name], by),
    messages: (message, name) => withDates(message as MessageSource, messages[name], now),
    campaigns: (campaign, name) => keptCampaign(campaign as CampaignSource, campaigns[name], now),
  }
}

/** The kept content as people write it down. */
export function exportedContent(documents: DocumentSet['documents']): ContentSource {
  return {
    audiences: sectionOf(documents, 'audiences'),
    variables: sectionOf(documents, 'variables'),
    bookmarks: sectionOf(documents, 'bookmarks'),
    campaigns: mapped(keptCampaignsOf(documents), ({ activeSince: _, ...written }) => written),
    tests: mapped(keptTestsOf(documents), ({ createdBy: _c, publishedBy: _p, ...test }) => withoutDates(test)),
    messages: mapped(keptMessagesOf(documents), withoutDates),
    categories: sectionOf(documents, 'categories'),
    caps: sectionOf(documents, 'caps'),
  }
}

/** What is kept of things that have a course: when they began, changed and ended. */
interface Dates {
  readonly createdAt: EpochMs
  readonly updatedAt: EpochMs
  readonly finishedAt?: EpochMs
}

type Authors = Pick<KeptTest, 'createdBy' | 'publishedBy'>

interface Stateful {
  readonly state: string
}

function withoutDates<T extends Dates>({ createdAt: _c, updatedAt: _u, finishedAt: _f, ...written }: T) {
  return written
}

function mapped<T, U>(things: Readonly<Record<string, T>>, convert: (thing: T) => U): Readonly<Record<string, U>> {
  return Object.fromEntries(Object.entries(things).map(([name, thing]) => [name, convert(thing)]))
}

function withDates<T extends Stateful>(thing: T, before: Dates | undefined, now: EpochMs): T & Dates {
  const finishedAt = thing.state === 'finished' ? (before?.finishedAt ?? now) : undefined
  return {
    ...thing,
    createdAt: before?.createdAt ?? now,
    updatedAt: now,
    ...(finishedAt !== undefined && { finishedAt }),
  }
}

/** Whoever wrote a test down first created it; whoever changed it last, unless to a draft, published what there is now. */
function withAuthors<T extends Stateful>(test: T, before: Authors | undefined, by: string | null): T & Authors {
  const createdBy = before === undefined ? by : (before.createdBy ?? null)
  const publishedBy = test.state === 'draft' ? null : by
  return { ...test, ...(createdBy !== null && { createdBy }), ...(publishedBy !== null && { publishedBy }) }
}

function changesOf(
  section: Section,
  kept: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): readonly PlannedChange[] {
  const names = [...new Set([...Object.keys(kept), ...Object.keys(wanted)])].sort()
  return names.flatMap((name) => {
    const [before, after] = [kept[name], wanted[name]]
    const fields = differences(before, after, '')
    if (fields.length === 0) return []
    return [{ type: before === undefined ? 'add' : after === undefined ? 'remove' : 'change', section, name, fields }]
  })
}

function differences(before: unknown, after: unknown, path: string): PlannedChange['fields'] {
  if (isMap(before) && isMap(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return names.flatMap((name) => differences(before[name], after[name], path === '' ? name : `${path}.${name}`))
  }
  const [one, other] = [textOf(before), textOf(after)]
  return one === other ? [] : [{ field: path, before: one, after: other }]
}

/** The same for the same value, in whatever order its fields were written. */
function textOf(value: unknown): string {
  if (value === undefined) return ''
  return JSON.stringify(value, (_, inner: unknown) =>
    isMap(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  )
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function defined(content: ContentSource): ContentSource {
  return Object.fromEntries(Object.entries(content).filter(([, section]) => section !== undefined))
}
