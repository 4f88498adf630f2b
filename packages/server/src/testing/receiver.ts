import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createSocketServer, type Server, type Socket } from 'node:net'
import { createEgress, type Egress, type EgressOptions } from '../services/egress.ts'

/** One call that came in whole. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
  /** The same, where it is no text. */
  readonly bytes: Buffer
}

export interface Receiver {
  readonly port: number
  readonly origin: string
  readonly received: Received[]
  close(): Promise<void>
}

/** What a receiver does with a call once it has read it; `count` is 1 for the first. */
export type Behaviour = (response: ServerResponse, count: number, request: IncomingMessage) => void

/** A real HTTP server on this machine, for what is sent out. */
export function openReceiver(behave: Behaviour = (response) => response.writeHead(204).end()): Promise<Receiver> {
  const received: Received[] = []
  const answer: RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request
      const bytes = Buffer.concat(chunks)
      received.push({ method, path, headers, body: bytes.toString(), bytes })
      behave(response, received.length, request)
    })
  }
  return listening(createServer(answer), received)
}

/** One that speaks no HTTP, or speaks it badly: it gets the socket as soon as something comes in. */
export function openSocketReceiver(behave: (socket: Socket) => void): Promise<Receiver> {
  const received: Received[] = []
  const server = createSocketServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (data) => {
      received.push({ method: '', path: '', headers: {}, body: data.toString('latin1'), bytes: data })
      behave(socket)
    })
  })
  return listening(server, received)
}

/** Calls receivers of this machine, and nothing else that is private. */
export function localEgress(options: EgressOptions = {}): Egress {
  return createEgress({ allowHttp: true, allowPrivateDestinations: ['loopback'], ...options })
}

async function listening(server: Server, received: Received[]): Promise<Receiver> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    received,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
