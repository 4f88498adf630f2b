import { decodeHTMLAttribute, escapeAttribute } from 'entities'
import { type Context, type Emitter, type Liquid, type Parser, Tag, type TagToken, type Template } from 'liquidjs'
import { UNSUBSCRIBE_PLACEHOLDER } from './values.ts'

/** Longest address of a link that is tracked, in characters: ours has it within, and what is between us ends at 8,000. */
const LINK_CHARACTERS_MAX = 2_000
/** Further links of one mail are left alone. */
const LINKS_MAX = 1_000

/** What a tracked link is called in a mail until it is sent: its place in the list of links that the mail comes with. */
const PLACEHOLDER = /https:\/\/link\.invalid\/(\d{1,4})\//g
const placeholder = (index: number) => `https://link.invalid/${index}/`

const PICTURE_URL = 'https://open.invalid/'
/** Where a mail has the picture that tells that it was opened, until it is sent. */
export const PICTURE = `<img src="${PICTURE_URL}" width="1" height="1" alt="" style="border:0">`

/** Puts addresses in the place of what stands for them. `open`: `null` if there shall be no picture. */
export function withAddresses(html: string, open: string | null, links: readonly string[]): string {
  const picture = open === null ? '' : PICTURE.replace(PICTURE_URL, escapeAttribute(open))
  const [before, ...rest] = html.split(PICTURE)
  // A loop may have it more than once.
  const whole = rest.length === 0 ? html : `${before}${picture}${rest.join('')}`
  return whole.replaceAll(PLACEHOLDER, (found, index: string) => {
    const address = links[Number(index)]
    return address === undefined ? found : escapeAttribute(address)
  })
}

/** The tags that stand around the address of a link in a template that was marked. */
export const LINK_TAGS = { before: '{%tracked_link%}', after: '{%end_tracked_link%}' } as const
const LINKS = 'links'

/** Says where the links of one mail are collected while it is filled in. */
export function collectIn(context: Context, links: string[]): void {
  context.setRegister(LINKS, links)
}

/** Teaches an engine what to do about links that are marked. */
export function registerLinkTag(engine: Liquid): void {
  engine.registerTag('tracked_link', LinkTag)
}

class LinkTag extends Tag {
  readonly #templates: Template[] = []

  constructor(token: TagToken, rest: ConstructorParameters<typeof Tag>[1], liquid: Liquid, parser: Parser) {
    super(token, rest, liquid)
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      if ((next as Partial<TagToken>).name === 'end_tracked_link') return
      this.#templates.push(parser.parseToken(next, rest))
    }
    throw new Error('Expected the end of a link.')
  }

  *render(context: Context, emitter: Emitter): Generator<unknown, void, string> {
    const text = yield this.liquid.renderer.renderTemplates(this.#templates, context)
    const url = decodeHTMLAttribute(text)
    const links = context.getRegister<string[]>(LINKS)
    const target = links.length < LINKS_MAX ? targetOf(url) : null
    if (target === null) return emitter.write(escapeAttribute(url))
    emitter.write(placeholder(links.length))
    links.push(target)
  }
}

/** Where a link leads, as browsers read it; `null`: it is none that we can know of when it is followed. */
export function targetOf(url: string): string | null {
  const text = url.trim()
  if (!/^https?:\/\//i.test(text) || text.startsWith(UNSUBSCRIBE_PLACEHOLDER) || !URL.canParse(text)) return null
  const { href } = new URL(text)
  return href.length > LINK_CHARACTERS_MAX ? null : href
}
