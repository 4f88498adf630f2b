import type { WebhookPart } from '../engine/messages/outgoing.ts'
import { parseUrl } from '../engine/parse-url.ts'
import type { Egress } from '../services/egress.ts'
import type { OutboxSender } from './sender.ts'

/** What may be better later. @source documented: specification 8.9, at its end */
const AGAIN = [408, 409, 429]

/** Calls a URL of the app's own with what the message says. Unlike a postback, it is a message: it is counted and limited. */
export function webhookSender(egress: Egress): OutboxSender<WebhookPart> {
  return {
    laneOf: ({ url }) => parseUrl(url)?.origin ?? null,
    async send({ url, method, headers, body }, { id, signal }) {
      const { status } = await egress(url, {
        method,
        headers: { 'user-agent': 'damson', ...headers, 'webhook-id': id },
        ...(body !== null && { body }),
        signal,
        headOnly: true,
      })
      if (status < 300) return { type: 'delivered' }
      const reason = `answered ${status}`
      if (status >= 500 || AGAIN.includes(status)) return { type: 'later', isUp: status < 500, reason }
      return { type: 'dropped', reason }
    },
  }
}
