import { type Liquid, TokenKind, Tokenizer } from 'liquidjs'
import { type DefaultTreeAdapterTypes as Tree, parse, type Token } from 'parse5'
import { LINK_TAGS, PICTURE, targetOf } from './links.ts'

/**
 * The HTML of a mail with its links marked, and with the picture that tells that it was opened. It is read once, as a
 * template: what a link becomes for each user is known where it stands, in whatever loop or condition that is.
 * @param source a template that `engine` can read
 */
export function markLinks(source: string, engine: Liquid): string {
  const document = parse(masked(source, engine), { sourceCodeLocationInfo: true, scriptingEnabled: false })
  const { hrefs, end } = placesIn(document, source.length)
  const pieces: string[] = []
  let at = 0
  for (const { startOffset, endOffset } of hrefs) {
    const value = valueOf(source.slice(startOffset, endOffset))
    if (!isMarkable(value, source.slice(endOffset), engine)) continue
    pieces.push(source.slice(at, startOffset), `href="${LINK_TAGS.before}${value.text}${LINK_TAGS.after}"`)
    at = endOffset
  }
  // What closes the body stands behind all links, if anything does.
  const rest = Math.max(at, end)
  return [...pieces, source.slice(at, rest), PICTURE, source.slice(rest)].join('')
}

/**
 * The template as something that can be read as HTML: with letters in the place of what becomes text, and blanks in the
 * place of tags, so that all else stands where it stood.
 */
function masked(source: string, engine: Liquid): string {
  let isRaw = false
  return new Tokenizer(source)
    .readTopLevelTokens(engine.options)
    .map((token) => {
      const { kind, begin, end } = token
      const text = source.slice(begin, end)
      const fill = kind === TokenKind.Tag ? ' ' : kind === TokenKind.Output || isRaw ? 'x' : null
      isRaw = 'name' in token && token.name === 'raw'
      return fill === null ? text : fill.repeat(text.length)
    })
    .join('')
}

interface Places {
  /** Of the attributes that say where links lead, in their order. */
  readonly hrefs: readonly Token.Location[]
  /** Where the body ends. */
  readonly end: number
}

function placesIn(document: Tree.Document, length: number): Places {
  // By their beginning: what is badly nested has some elements twice.
  const hrefs = new Map<number, Token.Location>()
  let end = length
  const left: Tree.Node[] = [document]
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    if ('childNodes' in node) left.push(...node.childNodes)
    if (!('tagName' in node)) continue
    const { tagName, attrs, sourceCodeLocation: location } = node
    if (tagName === 'body') end = location?.endTag?.startOffset ?? end
    const href = location?.attrs?.['href']
    if (!LINKS.has(tagName) || href === undefined || attrs.some(isRefusal)) continue
    hrefs.set(href.startOffset, href)
  }
  return { hrefs: [...hrefs.values()].toSorted((one, other) => one.startOffset - other.startOffset), end }
}

const LINKS = new Set(['a', 'area'])

/** As SendGrid, which the hosted service sends by, has it. @source assumed */
function isRefusal({ name, value }: Token.Attribute): boolean {
  return name === 'clicktracking' && value.toLowerCase() === 'off'
}

interface Value {
  readonly text: string
  readonly isQuoted: boolean
}

/** The value of an attribute with its name. */
function valueOf(attribute: string): Value {
  const text = attribute.slice(attribute.indexOf('=') + 1).trim()
  const isQuoted = text.startsWith('"') || text.startsWith("'")
  return { text: isQuoted ? text.slice(1, -1) : text, isQuoted }
}

function isMarkable({ text, isQuoted }: Value, rest: string, engine: Liquid): boolean {
  const isTemplate = text.includes('{{') || text.includes('{%')
  // Where a tag cuts it off it goes on behind, and what is there may take the blanks between away.
  if (!isQuoted && /^\s*\{/.test(rest)) return false
  if (!isTemplate) return targetOf(text) !== null
  try {
    // A condition that begins within and ends elsewhere is none that we could put something around.
    engine.parse(text)
    return true
  } catch {
    return false
  }
}
