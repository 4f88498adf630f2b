import type { Leaving } from '../engine/messages/outcome.ts'
import { UNSUBSCRIBE_PATH, type UnsubscribeLinks } from '../services/unsubscribe.ts'
import type { PlainRequest, PlainResponse } from './plain.ts'
import { refusal, refuse } from './responses.ts'

/** Answers a request for a link to unsubscribe; `null` if it asks for something else. */
export type UnsubscribeRoute = (request: PlainRequest) => Promise<PlainResponse> | PlainResponse | null

/**
 * What the links in mails lead to. Looking at one changes nothing, for mail scanners look at every link; POST leaves, which is
 * also what mail programs send for one click (RFC 8058).
 */
export function createUnsubscribeRoute(
  links: Pick<UnsubscribeLinks, 'read'>,
  leave: (leaving: Leaving) => Promise<void>,
): UnsubscribeRoute {
  return ({ method, path }) => {
    const [, token] = new RegExp(`/${UNSUBSCRIBE_PATH}/([\\w.-]{1,4000})$`).exec(path) ?? []
    if (token === undefined) return null
    const leaving = links.read(token)
    if (leaving === null) return refuse(refusal(404, 'This link is not known.'))
    if (method === 'GET' || method === 'HEAD') return page(200, ASK)
    if (method !== 'POST') return refuse(refusal(405, 'Expected GET or POST.'), { Allow: 'GET, HEAD, POST' })
    return leave(leaving).then(() => page(200, DONE))
  }
}

const ASK = '<form method="post"><p>Stop these e-mails?</p><button>Unsubscribe</button></form>'
const DONE = '<p>You are unsubscribed.</p>'

function page(status: number, content: string): PlainResponse {
  return {
    status,
    headers: {
      'Content-Type': 'text/html;charset=utf-8',
      'Cache-Control': 'no-store',
      'Content-Security-Policy': "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
      'X-Robots-Tag': 'noindex',
    },
    body: `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Unsubscribe</title>${content}</html>`,
  }
}
