import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** Takes whatever any of the libraries sends, counts its events, and answers what that library expects. */
export interface Sink {
  readonly origin: string
  /** How many events came since the last `reset`, and when the last did (`performance.now()`). */
  seen(): { readonly events: number; readonly requests: number; readonly lastAt: number }
  reset(): void
  close(): void
}

export async function openSink(): Promise<Sink> {
  let events = 0
  let requests = 0
  let lastAt = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks)
      const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString()
      const path = request.url ?? ''
      const found = countOf(path, body)
      events += found
      requests += 1
      if (found > 0) lastAt = performance.now()
      response.setHeader('content-type', 'application/json')
      response.end(answerTo(path, body))
    })
  })
  // A library that holds its process longer than that shows it in its figures.
  server.requestTimeout = 0
  server.headersTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: () => ({ events, requests, lastAt }),
    reset() {
      events = 0
      requests = 0
      lastAt = 0
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function countOf(path: string, body: string): number {
  // Mixpanel sends its data as base64 in a form or a query.
  const data = path.startsWith('/track') || path.startsWith('/mixpanel') ? decodeForm(path, body) : body
  return data.split('"bench-event"').length - 1
}

function decodeForm(path: string, body: string): string {
  const form = new URLSearchParams(body === '' ? (path.split('?')[1] ?? '') : body)
  return Buffer.from(form.get('data') ?? '', 'base64').toString()
}

function answerTo(path: string, body: string): string {
  if (path.startsWith('/damson')) {
    return JSON.stringify({ response: body.match(/"reqId":/g)?.map(() => ({ success: true })) ?? [] })
  }
  if (path.startsWith('/amplitude'))
    return '{"code":200,"events_ingested":1,"payload_size_bytes":1,"server_upload_time":1}'
  return path.startsWith('/track') || path.startsWith('/mixpanel') ? '1' : '{"status":"ok"}'
}
