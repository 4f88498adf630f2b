import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { SECOND_MS } from '@damson/core'
import { toNodeListener } from './listener.ts'
import type { Lifecycle, Mountable } from './mountable.ts'

export interface ListenOptions {
  readonly server: Mountable & Lifecycle
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

export interface Listening {
  /** Where the API answers. */
  readonly url: string
  readonly port: number
  /** Accepts no more, finishes what is in flight, then stops the server. The same promise however often it is called. */
  stop(): Promise<void>
}

/**
 * Serves on a port of its own. Resolves when it accepts connections.
 * @throws what `node:net` says of the address, with its `code` (`EADDRINUSE`, `EACCES` …); the server is stopped then
 */
export async function listen({ server, host, port }: ListenOptions): Promise<Listening> {
  const { limits } = server
  const http = createHttpServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      maxHeaderSize: limits.maxHeaderBytes,
      connectionsCheckingInterval: SECOND_MS,
    },
    toNodeListener(server),
  )
  http.maxConnections = limits.maxConnections
  const sockets = new Set<Socket>()
  http.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  try {
    await listening(http, host, port)
    await server.start()
  } catch (error) {
    http.close()
    await server.stop()
    throw error
  }
  const address = http.address() as AddressInfo
  let stopped: Promise<void> | undefined
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}/api`,
    port: address.port,
    stop: () => (stopped ??= stop(http, sockets, server)),
  }
}

async function stop(http: HttpServer, sockets: ReadonlySet<Socket>, server: Mountable & Lifecycle): Promise<void> {
  server.drain()
  const closed = new Promise((resolve) => http.close(resolve))
  const cutOff = setTimeout(() => http.closeAllConnections(), server.limits.stopDeadlineMs)
  // Node does not count a connection as idle on which nothing was ever asked.
  for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  // An answer that was on its way when we began leaves its connection open: idle ones are looked for again and again.
  const sweep = setInterval(() => http.closeIdleConnections(), 50)
  await closed
  clearTimeout(cutOff)
  clearInterval(sweep)
  await server.stop()
}

function listening(http: HttpServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', reject)
    http.listen(port, host, () => {
      http.off('error', reject)
      resolve()
    })
  })
}
