import type { Leaving, Reaction } from '../engine/messages/outcome.ts'
import type { Logger } from '../logger.ts'
import { MAIL_PATHS, type MailLinks, type MailPath } from '../services/mail-links.ts'
import { reasonOf } from '../services/reason.ts'
import { TOKEN } from '../services/signed-tokens.ts'
import type { PlainRequest, PlainResponse } from './plain.ts'
import { refusal, refuse } from './responses.ts'

/** Answers a request for a link in a mail; `null` if it asks for something else. */
export type MailRoute = (request: PlainRequest) => Promise<PlainResponse> | PlainResponse | null

export interface MailRouteOptions {
  readonly links: Omit<MailLinks, 'addressesOf'>
  leave(leaving: Leaving): Promise<void>
  react(reaction: Reaction): Promise<void>
  readonly logger: Logger
  /** How long somebody is kept from where a link leads, at most, by a store that does not answer; 2 seconds if absent. */
  readonly patienceMs?: number
}

const PATIENCE_MS = 2_000
const LINK = new RegExp(`/(${MAIL_PATHS.join('|')})/(${TOKEN})$`)

/** What the links in mails lead to. Whoever made up one of them gets a page that says so, whatever it is for. */
export function createMailRoute(options: MailRouteOptions): MailRoute {
  const { links, leave, logger, patienceMs = PATIENCE_MS } = options

  /** Looking changes nothing, for mail scanners look at every link; POST leaves, as mail programs do for one click (RFC 8058). */
  function unsubscribe(token: string, { method }: PlainRequest): Promise<PlainResponse> | PlainResponse {
    const leaving = links.readUnsubscribe(token)
    if (leaving === null) return UNKNOWN
    if (isLook(method)) return page(200, 'Unsubscribe', ASK)
    if (method !== 'POST') return refuse(refusal(405, 'Expected GET or POST.'), { Allow: 'GET, HEAD, POST' })
    return leave(leaving).then(() => page(200, 'Unsubscribe', DONE))
  }

  async function open(token: string, request: PlainRequest): Promise<PlainResponse> {
    const reaction = links.readOpen(token)
    if (reaction === null) return UNKNOWN
    if (!isLook(request.method)) return ONLY_LOOKED_AT
    await told(reaction, request)
    return { status: 200, headers: { ...NOT_KEPT, 'Content-Type': 'image/gif' }, body: PICTURE }
  }

  async function click(token: string, request: PlainRequest): Promise<PlainResponse> {
    const reaction = links.readClick(token)
    if (reaction === null) return UNKNOWN
    if (!isLook(request.method)) return ONLY_LOOKED_AT
    await told(reaction, request)
    return { status: 302, headers: { ...NOT_KEPT, Location: reaction.link.url }, body: null }
  }

  /** Never rejects, and never takes long: people get where they wanted to, whatever becomes of what we wanted. */
  async function told(reaction: Reaction, request: PlainRequest): Promise<void> {
    if (!isByPerson(request)) return
    const { appId, id, messageId, link } = reaction
    const event = link === null ? 'Open' : 'Click'
    const recorded = options.react(reaction).catch((error: unknown) => {
      const facts = { appId, id, messageId, event, reason: reasonOf(error) }
      logger.warn(facts, 'what somebody did with a mail could not be recorded')
    })
    await atMost(recorded, patienceMs)
  }

  const answers = { unsubscribe, open, click }
  return (request) => {
    const found = LINK.exec(request.path)
    return found === null ? null : answers[found[1] as MailPath](found[2]!, request)
  }
}

function isLook(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** Scanners ask for the head alone; browsers that fetch ahead of their user say so. */
function isByPerson({ method, headers }: PlainRequest): boolean {
  const purpose = headers['sec-purpose'] ?? headers['purpose'] ?? headers['x-moz'] ?? ''
  return method === 'GET' && !/\bpre(?:fetch|view)\b/i.test(purpose)
}

async function atMost(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)))
  await Promise.race([promise, enough])
  clearTimeout(timer)
}

/** A transparent GIF of one pixel. */
const PICTURE = Uint8Array.from(Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'))

/** Each time is told, so nothing on the way may answer in our place. */
const NOT_KEPT = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'X-Robots-Tag': 'noindex' }

const ONLY_LOOKED_AT = refuse(refusal(405, 'Expected GET.'), { Allow: 'GET, HEAD' })

const ASK = '<form method="post"><p>Stop these e-mails?</p><button>Unsubscribe</button></form>'
const DONE = '<p>You are unsubscribed.</p>'
const UNKNOWN = page(404, 'Not found', '<p>This link is not known.</p>')

function page(status: number, title: string, content: string): PlainResponse {
  return {
    status,
    headers: {
      ...NOT_KEPT,
      'Content-Type': 'text/html;charset=utf-8',
      'Content-Security-Policy': "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
      'Referrer-Policy': 'no-referrer',
    },
    body: `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>${title}</title>${content}</html>`,
  }
}
