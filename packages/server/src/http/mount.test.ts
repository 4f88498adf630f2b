import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib'
import { type Mounted, mountConformance } from '../conformance/mount-conformance.ts'
import { toNodeListener } from './listener.ts'

mountConformance('server.fetch', async ({ fetch }) => ({ fetch, close: async () => {} }))

mountConformance('node:http', (server) => onPort(toNodeListener(server)))

mountConformance('a node listener behind middleware that has parsed the body', (server) => {
  const listener = toNodeListener(server)
  return onPort((request, response) => {
    parseBody(request).then(
      () => listener(request, response),
      () => response.writeHead(400).end('{"response":[{"success":false,"error":{"message":"as middleware does"}}]}'),
    )
  })
})

async function onPort(listener: RequestListener): Promise<Mounted> {
  const http = createServer(listener)
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
}

const DECODERS: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
}

/** Stands in for `express.json()`, `express.text()` and `express.urlencoded()`, each for its own type. */
async function parseBody(request: IncomingMessage & { body?: unknown }): Promise<void> {
  const type = request.headers['content-type'] ?? ''
  const decode = DECODERS[request.headers['content-encoding'] ?? '']
  const isOurs = /^(application\/json|text\/plain|application\/x-www-form-urlencoded)/.test(type)
  request.body = {}
  if (!isOurs || (request.headers['content-encoding'] !== undefined && decode === undefined)) return
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  const text = (decode === undefined ? bytes : decode(bytes)).toString()
  if (type.startsWith('application/json')) request.body = JSON.parse(text)
  else if (type.startsWith('text/plain')) request.body = text
  else request.body = text.includes('=') ? Object.fromEntries(new URLSearchParams(text)) : text
}
