import type { TemplateValues } from './template.ts'

const PLACE = /\{\{[ \t]*userAttribute\.([A-Za-z_]\w*)[ \t]*\}\}/
/** What Liquid makes of a map by itself. */
const OWN_NAMES: readonly string[] = ['size', 'first', 'last']

/** Fills in as Liquid would; `null`: with these values that is for Liquid to say. */
export type Greeting = (values: TemplateValues) => string | null

/**
 * Reads a text whose places are attributes of the user and nothing else, as in `Hello {{ userAttribute.name }}`: most are, and
 * apps are given them with each `start`. `null`: it is not so simple.
 */
export function greetingOf(source: string, escape: (value: unknown) => string): Greeting | null {
  // Texts and names by turns.
  const parts = source.split(PLACE)
  const names = parts.filter((_, index) => index % 2 === 1)
  const texts = parts.filter((_, index) => index % 2 === 0)
  if (texts.some((text) => /[{}]/.test(text)) || names.some((name) => OWN_NAMES.includes(name))) return null
  return ({ userAttribute }) => {
    let filled = texts[0]!
    for (let index = 0; index < names.length; index++) {
      const name = names[index]!
      const value = Object.hasOwn(userAttribute, name) ? userAttribute[name] : ''
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return null
      filled += escape(value) + texts[index + 1]!
    }
    return filled
  }
}
