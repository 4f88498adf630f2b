import { SECOND_MS } from '@damson/core'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { answering, createVet, failed, strayed, type VettingOptions } from './vetting.ts'

/** Opens a connection for what is not HTTP: the other way out, by the same rules as `Egress`. */
export type Dial = (hostname: string, port: number, signal: AbortSignal) => Promise<Socket>

/** From the name to the open connection. */
const DIAL_TIMEOUT_MS = 10 * SECOND_MS

/**
 * Opens plain connections to what may be called, and to nothing else: as `createEgress`, for SMTP.
 * The returned function throws {DamsonError} EGRESS_REFUSED, or EGRESS_FAILED (retryable).
 */
export function createDial(options: VettingOptions = {}): Dial {
  const vet = createVet(options)
  return async (hostname, port, given) => {
    const signal = AbortSignal.any([given, AbortSignal.timeout(DIAL_TIMEOUT_MS)])
    const vetted = await vet(hostname, signal)
    const socket = connect({ host: hostname, port, lookup: answering(vetted) })
    try {
      await once(socket, 'connect', { signal })
    } catch (error) {
      socket.destroy()
      throw failed(hostname, error)
    }
    const stray = strayed(hostname, vetted, socket.remoteAddress)
    if (stray === null) return socket
    socket.destroy()
    throw stray
  }
}
