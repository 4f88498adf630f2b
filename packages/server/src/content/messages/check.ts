import type { z } from 'zod'
import type { ContentProblem } from '../check.ts'
import { isoInstant } from '../audience/literals.ts'
import { problemsOfIssue } from '../read-content.ts'
import { compileMessageContent } from './content.ts'
import { CONTENT_SCHEMAS } from './schema.ts'
import type { Channel, ContentByChannel, MessageSource } from './source.ts'
import { compileText, TemplateError } from './template.ts'

type Path = ContentProblem['path']
type Note = (problem: ContentProblem) => void

/** What is wrong with a message that has the right shape, but for its audience. */
export function checkMessage(source: MessageSource, path: Path, categories: readonly string[], note: Note): void {
  const { channel, template, category, start, end } = source
  if (channel === 'inApp' && template === undefined)
    note({
      path: [...path, 'template'],
      reason: 'expected the template that shows it in the app, such as Center Popup',
    })
  if (channel !== 'inApp' && template !== undefined)
    note({
      path: [...path, 'template'],
      reason: `expected no template: only inApp messages have one, and this is ${channel}`,
    })
  if (category !== undefined && !categories.includes(String(category)))
    note({
      path: [...path, 'category'],
      reason: `expected a category of this content (${categories.join(', ') || 'it has none'}), and found ${category}`,
    })
  if (start !== undefined && end !== undefined && (isoInstant(start) ?? 0) >= (isoInstant(end) ?? 0))
    note({ path: [...path, 'end'], reason: 'expected an end after the start' })
  checkMessageContent(channel, source.content, [...path, 'content'], note)
}

/** The content of a message, or of one as a variant changes it: `at` leads to what was written. */
export function checkMessageContent(channel: Channel, content: MessageSource['content'], at: Path, note: Note): void {
  const schema: z.ZodType = CONTENT_SCHEMAS[channel]
  const read = schema.safeParse(content)
  if (!read.success) {
    for (const issue of read.error.issues)
      for (const { path, reason } of problemsOfIssue(issue)) note({ path: [...at, ...path], reason })
    return
  }
  compileMessageContent(channel, content as ContentByChannel[Channel], (text, escape, path) => {
    try {
      return compileText(text, escape)
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error
      const { message: reason, position } = error
      note({ path: [...at, ...path], reason, ...(position !== null && { position }) })
      return compileText('', escape)
    }
  })
  if (channel === 'webhook') checkUrl(String((content as { readonly url?: string }).url), [...at, 'url'], note)
}

/** Whoever is called must not hang on what users are called. */
const HAS_FIXED_HOST = /^https?:\/\/[^\s/?#{}@\\]+(?:[/?#]|$)/i

function checkUrl(url: string, path: Path, note: Note): void {
  if (!HAS_FIXED_HOST.test(url))
    note({ path, reason: `expected http:// or https:// and a host without places in it, and found '${url}'` })
}
