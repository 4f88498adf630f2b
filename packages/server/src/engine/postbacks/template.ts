import { MAX_POSTBACK_URL_LENGTH, toWellFormed } from '@damson/core/protocol'
import { parseUrl } from '../parse-url.ts'

/** What a template may be filled with, spelled as the API spells it (specification 8.9). */
export type Placeholder =
  | 'User ID'
  | 'Device ID'
  | 'Trigger time'
  | 'Message ID'
  | 'Message event'
  | 'Message channel'
  | 'Template name'
  | 'Parameters'
  | 'AB test ID'
  | 'Variant ID'

export type TemplateValues = Partial<Readonly<Record<Placeholder, string>>>

/** A URL with placeholders behind its host, so that no value can lead anywhere else. */
export interface Template {
  /** Of every URL this template can become. */
  readonly origin: string
  /** Placeholders without a value, and those nobody knows, become nothing (specification 8.9). */
  render(values: TemplateValues): string
}

/** Scheme and host, written out and closed by what begins a path, a query or a fragment. */
const CLOSED_ORIGIN = /^https?:\/\/[^\s/?#\\{}]+[/?#]/i
const PLACEHOLDER = /\{\{([^{}]*)\}\}/
// oxlint-disable-next-line no-control-regex -- URL parsers drop these silently, so nobody would see what was meant.
const CONTROL = /[\u0000-\u001f\u007f]/

/** Reads a template. @returns what is wrong with it as a sentence, if something is */
export function compileTemplate(text: string): Template | string {
  if (text.length > MAX_POSTBACK_URL_LENGTH)
    return `Expected at most ${MAX_POSTBACK_URL_LENGTH} characters, found ${text.length}.`
  if (CONTROL.test(text)) return 'Expected no control characters.'
  const parts = text.split(PLACEHOLDER)
  const [head = ''] = parts
  const url = parseUrl(rendered(parts, {}))
  if (url === null || !/^https?:\/\/[^/?#\\]/i.test(head)) return 'Expected a URL with http or https.'
  if (parts.length > 1 && !CLOSED_ORIGIN.test(head))
    return 'Expected placeholders in the path, the query or the fragment only.'
  if (url.username !== '' || url.password !== '') return 'Expected a URL without a user name and a password.'
  return { origin: url.origin, render: (values) => rendered(parts, values) }
}

/** Odd parts are names of placeholders. */
function rendered(parts: readonly string[], values: TemplateValues): string {
  let url = ''
  for (const [index, part] of parts.entries())
    url += index % 2 === 0 ? part : encoded(values[part as Placeholder] ?? '', /[?#]/.test(url))
  return url
}

/**
 * One value for its place. A step of a path that is nothing but dots would climb, percent-encoded or not, so such a value
 * is encoded twice there.
 */
function encoded(value: string, isBehindPath: boolean): string {
  if (!isBehindPath && /^\.{1,2}$/.test(value)) return value.replaceAll('.', '%252E')
  return encodeURIComponent(toWellFormed(value))
}
