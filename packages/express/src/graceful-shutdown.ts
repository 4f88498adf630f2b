import { systemClock, type Client, type FlushReport } from '@damson/core'
import type { Server } from 'node:http'

export interface ShutdownOptions {
  /** For both together: the requests under way, then what is still to be sent. Default ten seconds. */
  readonly timeoutMs?: number
  /** Default `SIGTERM` and `SIGINT`; none with an empty list, if you call the function yourself. */
  readonly signals?: readonly NodeJS.Signals[]
  /** What else to close, after the last event is sent: an engine in the same process, a database. */
  readonly close?: () => unknown
  readonly onError?: (error: unknown) => void
}

const TIMEOUT_MS = 10_000
/** How often connections that have become idle are looked for. */
const SWEEP_MS = 50

/**
 * Stops taking requests, finishes those under way, sends what is left, and then lets the signal end the process as it would
 * have. Gives back the same for calling by hand: every call gets the same promise, which never rejects.
 */
export function gracefulShutdown<E extends object>(
  server: Server,
  client: Client<E>,
  { timeoutMs = TIMEOUT_MS, signals = ['SIGTERM', 'SIGINT'], close, onError = report }: ShutdownOptions = {},
): () => Promise<FlushReport> {
  let stopping: Promise<FlushReport> | undefined

  async function stop(): Promise<FlushReport> {
    const until = systemClock.now() + timeoutMs
    await closeServer(server, timeoutMs)
    // At least a moment: what the last requests tracked has not been tried yet.
    const flushed = await client.close({ timeoutMs: Math.max(until - systemClock.now(), timeoutMs / 10) })
    try {
      await close?.()
    } catch (error) {
      onError(error)
    }
    return flushed
  }

  const shutDown = () => (stopping ??= stop())
  for (const signal of signals) {
    const onSignal = () => {
      void shutDown().then(() => {
        process.off(signal, onSignal)
        // Ours was the only listener: now the signal does what it does by default, exit code included.
        if (process.listenerCount(signal) === 0) process.kill(process.pid, signal)
      })
    }
    process.on(signal, onSignal)
  }
  return shutDown
}

async function closeServer(server: Server, timeoutMs: number): Promise<void> {
  if (!server.listening) return
  const closed = new Promise((resolve) => server.close(resolve))
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
  const cutOff = setTimeout(() => server.closeAllConnections(), timeoutMs)
  await closed
  clearInterval(sweep)
  clearTimeout(cutOff)
}

function report(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error))
}
