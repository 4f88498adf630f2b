import type { Json } from '../source.ts'
import { wireValue } from '../value.ts'
import type { Channel, ContentByChannel, EmailContent, FilledByChannel, WebhookContent } from './source.ts'
import { compileText, type Escape, type Text, type TemplateValues } from './template.ts'

/** The content of a message, read: what is the same for everybody is there already. */
export interface Content<C extends Channel = Channel> {
  readonly isConstant: boolean
  /** @throws {TemplateError} one of its texts took too long or became too large */
  render(values: TemplateValues): FilledByChannel[C]
}

type Path = readonly (string | number)[]

/** Reads one text of a message. Whoever checks content notes what is wrong with it; whoever uses it lets it be thrown. */
export type ReadText = (source: string, escape: Escape, path: Path) => Text

/** Reads all texts of a message. Fields that hold no text stay as they are. */
export function compileMessageContent<C extends Channel>(
  channel: C,
  content: ContentByChannel[C],
  read: ReadText = compileText,
): Content<C> {
  const node = nodeOf(content as Json, [], (text, path) => {
    return read(text, escapeOf(channel, content, text, path), path)
  })
  return {
    isConstant: node.isConstant,
    render(values) {
      const links: string[] = []
      const filled = node.render(values, links)
      // What comes out has the form of what went in, and a mail has the links that were found in it.
      return (channel === 'email' ? { ...(filled as object), links } : filled) as unknown as FilledByChannel[C]
    },
  }
}

interface Node {
  readonly isConstant: boolean
  render(values: TemplateValues, links?: string[]): Json
}

function nodeOf(value: Json, path: Path, read: (text: string, path: Path) => Text): Node {
  const key = path.at(-1)
  if (typeof value === 'string' && isColor(key, value)) return constant(wireValue('color', value))
  if (typeof value === 'string') return read(value, path)
  if (typeof value !== 'object' || value === null) return constant(value)
  if (Array.isArray(value)) {
    const nodes = (value as readonly Json[]).map((one, index) => nodeOf(one, [...path, index], read))
    if (nodes.every(({ isConstant }) => isConstant)) return constant(nodes.map((node) => node.render(NOTHING)))
    return { isConstant: false, render: (values, links) => nodes.map((node) => node.render(values, links)) }
  }
  const nodes = Object.entries(value as Readonly<Record<string, Json>>).map(
    ([name, one]) => [name, nodeOf(one, [...path, name], read)] as const,
  )
  const render = (values: TemplateValues, links?: string[]) =>
    Object.fromEntries(nodes.map(([name, node]) => [name, node.render(values, links)]))
  return nodes.every(([, { isConstant }]) => isConstant) ? constant(render(NOTHING)) : { isConstant: false, render }
}

function constant(value: Json): Node {
  return { isConstant: true, render: () => value }
}

/** Constants look at none of it. */
const NOTHING: TemplateValues = {
  value: {},
  userAttribute: {},
  parameter: {},
  place: {},
  userId: '',
  deviceId: null,
  trigger: '',
  now: '',
  unsubscribeUrl: '',
}

/** SDKs take colours as numbers. @source observed: specification 7.7 */
function isColor(key: string | number | undefined, value: string): boolean {
  return typeof key === 'string' && /colou?r$/i.test(key) && /^#(?:[\da-f]{2})?[\da-f]{6}$/i.test(value)
}

const IS_MARKUP = /<[a-z!/]/i
const IS_ADDRESS = /^https?:\/\//i

/** What is done to values, by where they are put: markup and addresses keep their meaning whatever users are called. */
function escapeOf<C extends Channel>(channel: C, content: ContentByChannel[C], text: string, path: Path): Escape {
  const [field] = path
  if (channel === 'email') {
    if (field === 'html') return (content as EmailContent).track === false ? 'html' : 'mail'
    return field === 'text' ? 'none' : 'line'
  }
  if (channel === 'webhook') {
    if (field === 'url') return 'url'
    if (field === 'headers') return 'line'
    return path.length === 1 ? bodyEscape(content as WebhookContent) : 'none'
  }
  if (IS_ADDRESS.test(text)) return 'url'
  return IS_MARKUP.test(text) ? 'html' : 'none'
}

function bodyEscape({ headers = {} }: WebhookContent): Escape {
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? JSON_TYPE
  if (/\bjson\b/i.test(type)) return 'json'
  if (/x-www-form-urlencoded/i.test(type)) return 'url'
  return /\b(?:html|xml)\b/i.test(type) ? 'html' : 'none'
}

/** Of webhooks that do not say. */
export const JSON_TYPE = 'application/json'
