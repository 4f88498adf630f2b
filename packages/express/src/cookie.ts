import type { Visitor, Visitors } from '@damson/core/web'
import type { ServerResponse } from 'node:http'

/** Gives the browser this visitor's cookie, beside those that others have set. Too late once the headers are sent. */
export async function writeCookie(visitors: Visitors, response: ServerResponse, visitor: Visitor): Promise<void> {
  const cookie = await visitors.cookieFor(visitor)
  if (!response.headersSent) response.appendHeader('set-cookie', cookie)
}
