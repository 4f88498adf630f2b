import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A port that leads somewhere else: stands for the address that a failover moves, or for the way between two machines. */
export interface Forwarder {
  readonly port: number
  /** `null`: nobody is there; who is connected is cut off at once, and what was on its way is gone. */
  leadTo(port: number | null): void
  close(): Promise<void>
}

/** @param delayMs how long it takes what comes from the other end */
export async function openForwarder(target: number | null, delayMs = 0): Promise<Forwarder> {
  let current = target
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    if (current === null) return void near.destroy()
    const far = connect({ host: '127.0.0.1', port: current })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.setNoDelay(true)
      one.on('error', () => undefined)
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    near.on('data', (data) => far.write(data))
    far.on('data', (data) => {
      if (delayMs === 0) near.write(data)
      else setTimeout(() => near.writable && near.write(data), delayMs)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => sockets.forEach((socket) => socket.destroy())
  return {
    port: (server.address() as AddressInfo).port,
    leadTo(port) {
      current = port
      cut()
    },
    close() {
      cut()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
