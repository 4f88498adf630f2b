import type { ContentSource } from '@damson/server'
import { createTestServer, type TestServer } from '@damson/server/testing'
import type { Vector } from './vectors.ts'

/** The instant at which every vector's server stands. UNIX seconds. */
export const NOW = 1_700_000_000

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** A server with the app the vectors speak of, and the hands to prepare it with. */
export interface World {
  readonly server: TestServer
  /** Sends a vector's request. */
  send(request: Vector['request']): Promise<Reply>
  /** Carries out one action with the key it needs, some seconds before now (0 if not said). Fails if it did not work. */
  act(action: string, args: Record<string, unknown>, secondsAgo?: number): Promise<Record<string, unknown>>
  /** Makes content what is written down. */
  applyContent(content: ContentSource): Promise<void>
  /** Stores a file by `uploadFile`. */
  upload(name: string, text: string): Promise<void>
  /** What lies at an address that an answer gave. */
  read(location: string): Promise<string>
  /** What `exportUser` says of a user; `null` if there is none. */
  user(userId: string): Promise<Record<string, unknown> | null>
}

/** Where the vectors' server begins: long enough before `NOW` for everything that precedes a request. */
const START = NOW - 400 * 86_400

const KEYS = { production: ['prod_T'], development: ['dev_T'], dataExport: ['exp_T'], contentReadOnly: ['cro_T'] }

export async function createWorld(): Promise<World> {
  const server = await createTestServer({
    now: START * 1000,
    apps: [{ appId: 'app_T', name: 'T', keys: KEYS }],
    rates: { base: 'USD', rates: { EUR: 1 / 1.1 } },
  })

  async function send({ method, query, body, contentType }: Vector['request']): Promise<Reply> {
    const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]))
    const text = body === null || body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body)
    const response = await server.fetch(
      new Request(`http://test/api?${search}`, {
        method,
        body: text,
        headers: text === null ? {} : { 'content-type': contentType ?? 'application/json' },
      }),
    )
    const answer = await response.text()
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: answer === '' ? null : JSON.parse(answer),
    }
  }

  async function act(action: string, args: Record<string, unknown>, secondsAgo = 0): Promise<Record<string, unknown>> {
    server.clock.set((NOW - secondsAgo) * 1000)
    await server.sweep()
    const clientKey = action === 'exportUser' ? 'exp_T' : (args.clientKey ?? 'dev_T')
    const reply = await send({ method: 'POST', query: {}, body: { appId: 'app_T', ...args, clientKey, action } })
    const [element] = (reply.body as { response: Record<string, unknown>[] }).response
    if (reply.status !== 200 || element?.success !== true) throw new Error(`${action}: ${JSON.stringify(reply)}`)
    return element
  }

  async function user(userId: string): Promise<Record<string, unknown> | null> {
    const element = await act('exportUser', { userId })
    return element.warning === undefined ? element : null
  }

  async function applyContent(content: ContentSource): Promise<void> {
    const plan = await server.server.engine.applyContent('app_T', content)
    if (!plan.ok) throw new Error(JSON.stringify(plan.problems))
  }

  async function upload(name: string, text: string): Promise<void> {
    const form = new FormData()
    form.set('data', JSON.stringify([{ filename: name, size: text.length }]))
    form.set('file0', new Blob([text], { type: 'image/png' }), name)
    const url = 'http://test/api?appId=app_T&clientKey=dev_T&action=uploadFile'
    const { status } = await server.fetch(new Request(url, { method: 'POST', body: form }))
    if (status !== 200) throw new Error(`uploadFile: ${status}`)
  }

  async function read(location: string): Promise<string> {
    const response = await server.fetch(new Request(new URL(location, 'http://test/api?action=downloadFile')))
    return response.text()
  }

  return { server, send, act, user, applyContent, upload, read }
}
