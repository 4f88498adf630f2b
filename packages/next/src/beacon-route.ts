import { createBeaconHandler, headersOf, isSameOrigin, MAX_BEACON_BYTES, type HeaderReader } from '@damson/core/web'
import { keepAlive, type Trackers } from './trackers.ts'

/** `export const { GET, POST } = damson.handlers`, in the route whose path `<DamsonBeacon endpoint>` names. */
export type BeaconHandlers = Record<'GET' | 'POST', (request: Request) => Promise<Response>>

/** Answers the beacon of a page: the visitor is the cookie's, the user is the one you identify, never whom the page names. */
export function createBeaconHandlers<E extends object>(trackers: Trackers<E>): BeaconHandlers {
  const { settings, client, visitors, attempt } = trackers
  const { allowEvents, onError, consent } = settings

  async function answer(request: Request): Promise<Response> {
    const headers = headersOf(request.headers)
    const body = await textUpTo(request, MAX_BEACON_BYTES)
    const visitor = await visitors().read(headers.get('cookie'))
    const tracker = await trackers.tracker(headers, visitor)
    const path = pathOf(body)
    if (path !== null && request.method === 'POST' && isSameOrigin({ headers })) {
      await trackers.pageView(tracker, path)
      return nothing()
    }
    const agreed = consent?.({ headers })
    const handle = createBeaconHandler({ client: client(), allowEvents, onError })
    const told = await handle({
      method: request.method,
      headers,
      body,
      visitor,
      userId: tracker?.userId,
      waitUntil: keepAlive,
      userAgent: userAgentOf(headers),
      ...(agreed !== undefined && { consent: agreed }),
    })
    return new Response(told.body === '' ? null : told.body, { status: told.status, headers: { ...told.headers } })
  }

  const handler = async (request: Request) => (await attempt(() => answer(request))) ?? nothing()
  return { GET: handler, POST: handler }
}

function nothing(): Response {
  return new Response(null, { status: 204, headers: { 'cache-control': 'no-store' } })
}

function userAgentOf(headers: HeaderReader): string | undefined {
  return headers.get('user-agent') ?? undefined
}

/** The page the router moved to, if that is what the beacon tells: `{"type":"page","path":"/cart"}`. */
function pathOf(body: string): string | null {
  if (body.length > MAX_BEACON_BYTES) return null
  try {
    const { type, path } = JSON.parse(body) as { type?: unknown; path?: unknown }
    return type === 'page' && typeof path === 'string' && path.startsWith('/') ? path : null
  } catch {
    return null
  }
}

/** Stops reading once there is more than a beacon has; what was read is then just long enough to be refused. */
async function textUpTo(request: Request, maxBytes: number): Promise<string> {
  const reader = request.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (let chunk = await reader?.read(); chunk?.done === false; chunk = await reader?.read()) {
    bytes += chunk.value.byteLength
    text += decoder.decode(chunk.value, { stream: true })
    if (bytes > maxBytes) {
      await reader?.cancel()
      return text.padEnd(maxBytes + 1)
    }
  }
  return text + decoder.decode()
}
