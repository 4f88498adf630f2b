import type { EpochMs } from '@damson/core'
import type { MessageChannel, PostbackType } from '@damson/core/protocol'
import type { Store } from '../../store/store.ts'
import type { Catalog, CatalogKind } from '../catalog.ts'
import { compileTemplate, type Template } from './template.ts'

/** A rule made with `addPostback`, as it is kept. */
export interface PostbackRule {
  readonly id: number
  readonly type: PostbackType
  readonly channels: readonly MessageChannel[]
  readonly url: string
  readonly createdAt: EpochMs
}

/** What a hook may be told of. */
export const HOOK_TRIGGERS = ['session.started', 'session.ended', 'event.tracked'] as const
export type HookTrigger = (typeof HOOK_TRIGGERS)[number]

/** A rule of the operator's own: not part of the API, and not counted with the postbacks of an app. */
export interface HookRule {
  readonly id: number
  readonly on: readonly HookTrigger[]
  /** Of tracked events: only these; empty means all. */
  readonly events: readonly string[]
  readonly url: string
  readonly createdAt: EpochMs
  /** It stands in a configuration file, and goes when it is taken out there. */
  readonly isConfigured?: true
}

/** Of an app: every rule is looked at for every event. */
export const HOOKS_MAX = 20

export type Compiled<Rule> = Rule & { readonly template: Template }

export const POSTBACKS: CatalogKind<readonly Compiled<PostbackRule>[]> = { name: 'postback', compile }
export const HOOKS: CatalogKind<readonly Compiled<HookRule>[]> = { name: 'hook', compile }

/** Who sends what: the kind of a delivery is the kind of the rule that asked for it. */
export const RULE_KINDS = [POSTBACKS, HOOKS] as const

/** The rule that a delivery was made for; `null` if there is none any more. A rule we have not heard of is looked up. */
export async function findRule(
  catalog: Pick<Catalog, 'of'>,
  store: Pick<Store, 'documents'>,
  appId: string,
  kindName: string,
  id: number,
): Promise<Compiled<PostbackRule | HookRule> | null> {
  const kind = RULE_KINDS.find(({ name }) => name === kindName)
  if (kind === undefined) return null
  const isIt = (rule: { readonly id: number }) => rule.id === id
  const known = catalog.of(appId, kind as CatalogKind<readonly Compiled<PostbackRule | HookRule>[]>).find(isIt)
  if (known !== undefined) return known
  const { documents } = await store.documents(appId, kind.name)
  return kind.compile(documents).find(isIt) ?? null
}

function compile<Rule extends { readonly url: string }>(documents: ReadonlyMap<string, unknown>): Compiled<Rule>[] {
  return [...documents.values()].map((document) => {
    // Every document of these kinds was checked when it was put.
    const rule = document as Rule
    const template = compileTemplate(rule.url)
    if (typeof template === 'string') throw new Error(`Expected rules with a URL that can be called. ${template}`)
    return { ...rule, template }
  })
}
