import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DOOMED } from './users.ts'

export interface Call {
  readonly id: string
  readonly messageId: number
  readonly status: number
}

/**
 * Whom postbacks call: takes most at once; some after a hang-up, some after two failures, and the first `DOOMED` messages
 * never.
 */
export async function openReceiver(): Promise<{ url: string; calls: Call[]; close(): Promise<void> }> {
  const calls: Call[] = []
  const times = new Map<string, number>()
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { data } = JSON.parse(body) as { data: { messageId: number } }
      const id = String(request.headers['webhook-id'])
      const time = (times.get(id) ?? 0) + 1
      times.set(id, time)
      const status = statusOf(data.messageId, time)
      calls.push({ id, messageId: data.messageId, status })
      if (status === 0) response.destroy()
      else response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    calls,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function statusOf(messageId: number, time: number): number {
  if (messageId <= DOOMED) return 503
  if (messageId % 7 === 0 && time === 1) return 0
  return messageId % 5 === 0 && time <= 2 ? 500 : 204
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
