import { DamsonError, MINUTE_MS } from '@damson/core'
import { once } from 'node:events'
import http2 from 'node:http2'
import { type Call, readAll, responseOf } from './egress-call.ts'
import { answering, failed, strayed, type Vet } from './vetting.ts'

/** A connection that nobody used for so long is closed. APNs wants few that last, and not one for each call. */
const IDLE_MS = 5 * MINUTE_MS

interface Connection {
  readonly session: http2.ClientHttp2Session
  /** Calls under way. */
  open: number
}

/** Makes calls over HTTP/2: one connection for each origin, to an address that was vetted when it was made. */
export function createHttp2(vet: Vet): (call: Call) => Promise<Response> {
  const sessions = new Map<string, Promise<Connection>>()

  /** Calls that come while it is made share it. Whoever makes it gives it the time of their call. */
  function sessionFor({ url, hostname, signal }: Call): Promise<Connection> {
    const known = sessions.get(url.origin)
    if (known !== undefined) return known
    const made = connect(vet, url, hostname, signal)
    const forget = () => {
      if (sessions.get(url.origin) === made) sessions.delete(url.origin)
    }
    sessions.set(url.origin, made)
    made.then(({ session }) => {
      session.once('close', forget)
      session.once('goaway', forget)
      session.setTimeout(IDLE_MS, () => session.close())
    }, forget)
    return made
  }

  return async (call) => {
    const connection = await sessionFor(call)
    try {
      return await request(connection, call)
    } catch (error) {
      throw DamsonError.isInstance(error) ? error : failed(call.hostname, error)
    }
  }
}

async function connect(vet: Vet, url: URL, hostname: string, signal: AbortSignal): Promise<Connection> {
  const vetted = await vet(hostname, signal)
  const session = http2.connect(url.origin, { lookup: answering(vetted) })
  try {
    await once(session, 'connect', { signal })
  } catch (error) {
    session.destroy()
    throw failed(hostname, error)
  }
  const stray = strayed(hostname, vetted, session.socket.remoteAddress)
  if (stray !== null) {
    session.destroy()
    throw stray
  }
  // An error ends the calls that are under way, each of which hears of it.
  session.on('error', () => {})
  session.unref()
  return { session, open: 0 }
}

async function request(connection: Connection, { url, hostname, init, signal, maxBytes }: Call): Promise<Response> {
  const { session } = connection
  const { method = 'GET', headers, body } = init
  // What waits for an answer keeps the process; a connection that is idle does not.
  connection.open += 1
  session.ref()
  const stream = session.request(
    { ':method': method, ':path': `${url.pathname}${url.search}`, ...headers },
    { signal, endStream: body === undefined },
  )
  stream.once('close', () => {
    connection.open -= 1
    if (connection.open === 0) session.unref()
  })
  if (body !== undefined) stream.end(body)
  const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader]
  const bytes = init.headOnly === true ? Buffer.alloc(0) : await readAll(stream, maxBytes, hostname)
  if (init.headOnly === true) stream.close(http2.constants.NGHTTP2_CANCEL)
  return responseOf(Number(answer[':status']), headersOf(answer), bytes)
}

function headersOf(answer: http2.IncomingHttpHeaders): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(answer)) {
    if (name.startsWith(':') || value === undefined) continue
    for (const one of [value].flat()) headers.append(name, one)
  }
  return headers
}
