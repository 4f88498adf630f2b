import type { PlannedChange } from '../content/plan.ts'
import type { Section } from '../content/source.ts'

const SIGNS = { add: '+', change: '~', remove: '-' } as const
const THINGS: Readonly<Record<Section, string>> = {
  audiences: 'audience',
  variables: 'variable',
  tests: 'test',
  bookmarks: 'bookmark',
  messages: 'message',
  categories: 'category',
  caps: 'cap on',
  campaigns: 'campaign',
}

/** A plan for people: one line for each thing, and below it the fields that become different. */
export function planText(appId: string, changes: readonly PlannedChange[]): string {
  if (changes.length === 0) return `The content of '${appId}' is as the files say already; there is nothing to do.`
  const lines = changes.flatMap(({ type, section, name, fields }) => [
    `  ${SIGNS[type]} ${THINGS[section]} ${name}`,
    ...(type === 'change'
      ? fields.map(({ field, before, after }) => `      ${field}: ${told(before)} → ${told(after)}`)
      : []),
  ])
  const counts = (['add', 'change', 'remove'] as const)
    .map((type) => [changes.filter((one) => one.type === type).length, type] as const)
    .filter(([count]) => count > 0)
  const summary = counts.map(([count, type]) => `${count} to ${type}`).join(', ')
  return [`The content of '${appId}' would change: ${summary}.`, '', ...lines, ''].join('\n')
}

const LONGEST = 80

function told(text: string): string {
  if (text === '') return 'nothing'
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}
