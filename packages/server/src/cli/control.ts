import { createHash } from 'node:crypto'
import { chmodSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join, resolve } from 'node:path'
import { MINUTE_MS } from '@damson/core'
import type { Logger } from '../logger.ts'
import type { MoveCall } from '../store/moving.ts'
import { splitLines } from './lines.ts'
import { codeOf, Problem, reasonOf } from './problem.ts'

/** What other commands may ask of the server that has the data: it alone can read the file. */
export interface Control {
  /** Writes a whole copy of the database to a new file. */
  backup(file: string): Promise<void>
  /** One step of a move; the answer is JSON. */
  move(call: MoveCall): Promise<string>
}

export interface RemoteControl extends Control {
  close(): void
}

/** For so long a move may keep the server from its data; whoever moves may have come to a standstill. */
const HOLD_MAX_MS = MINUTE_MS

type Request =
  { readonly method: 'backup'; readonly file: string } | { readonly method: 'move'; readonly call: MoveCall }

/** Where the server of a folder listens: a socket in the folder itself, which only its owner can open. */
function addressOf(folder: string): string {
  if (process.platform !== 'win32') return join(folder, 'damson.sock')
  return `\\\\.\\pipe\\damson-${createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 32)}`
}

/**
 * Answers other commands until it is closed. The folder must be ours: what lies at the address is from one who died.
 * @param onMoved told once when everything has moved away
 */
export async function serveControl(
  folder: string,
  control: Control,
  logger: Logger,
  onMoved: (to: string) => void,
): Promise<{ close(): Promise<void> }> {
  const address = addressOf(folder)
  if (process.platform !== 'win32') rmSync(address, { force: true })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // Whoever asked has gone; nobody is left to tell.
    socket.on('error', () => undefined)
    void converse(socket, control, onMoved).catch(() => socket.destroy())
  })
  try {
    await new Promise<void>((done, fail) => server.once('error', fail).listen(address, done))
    if (process.platform !== 'win32') chmodSync(address, 0o600)
  } catch (error) {
    logger.warn(
      { err: error },
      "'damson backup' and 'damson move' cannot reach this server: its folder takes no socket",
    )
  }
  return {
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** One request after the other, a line each. Whoever goes while holding the data gives it back. */
async function converse(socket: Socket, control: Control, onMoved: (to: string) => void): Promise<void> {
  let limit: NodeJS.Timeout | undefined
  const release = () => {
    if (limit === undefined) return
    clearTimeout(limit)
    limit = undefined
    // The store is gone, and with it who waited for it.
    control.move({ ask: 'release' }).catch(() => undefined)
  }
  socket.once('close', release)
  for await (const lines of splitLines(socket as AsyncIterable<Buffer>)) {
    for (const line of lines) {
      const request = JSON.parse(line) as Request
      const ask = request.method === 'move' ? request.call.ask : null
      if (ask === 'hold' && !socket.destroyed) limit = setTimeout(release, HOLD_MAX_MS).unref()
      const { isDone, text } = await reply(request, control)
      if (isDone && (ask === 'release' || ask === 'finish')) {
        clearTimeout(limit)
        limit = undefined
      }
      if (isDone && request.method === 'move' && request.call.ask === 'finish') onMoved(request.call.to)
      if (!socket.destroyed) socket.write(`${text}\n`)
    }
  }
}

async function reply(request: Request, control: Control): Promise<{ readonly isDone: boolean; readonly text: string }> {
  try {
    return { isDone: true, text: `{"ok":true,"value":${await carryOut(request, control)}}` }
  } catch (error) {
    return { isDone: false, text: JSON.stringify({ ok: false, message: reasonOf(error) }) }
  }
}

async function carryOut(request: Request, control: Control): Promise<string> {
  if (request.method === 'move') return control.move(request.call)
  if (request.method !== 'backup') throw new Error(`unknown: ${String((request as { method: unknown }).method)}`)
  await control.backup(request.file)
  return 'null'
}

const OK = '{"ok":true,"value":'

/** The server that has a folder, as seen from another process: asked one thing at a time, over one connection. */
export async function remoteControl(folder: string): Promise<RemoteControl> {
  const socket = await connected(folder)
  const lines = linesOf(socket)

  async function ask(request: Request): Promise<string> {
    socket.write(`${JSON.stringify(request)}\n`)
    const { value: line } = await lines.next()
    if (line === undefined) throw new Problem('the server ended before it had answered. Run the command again.')
    if (line.startsWith(OK)) return line.slice(OK.length, -1)
    throw new Problem(`the server could not do it: ${(JSON.parse(line) as { message: string }).message}`)
  }

  return {
    backup: async (file) => void (await ask({ method: 'backup', file })),
    move: (call) => ask({ method: 'move', call }),
    close: () => socket.destroy(),
  }
}

function connected(folder: string): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect(addressOf(folder), () => {
      socket.off('error', refused)
      // That it broke is seen from the answer that does not come.
      socket.on('error', () => undefined)
      done(socket)
    })
    const refused = (error: Error) =>
      fail(new Problem(`the server that has ${folder} cannot be reached: ${reasonOf(error)}. Stop it, or upgrade it.`))
    socket.once('error', refused)
  })
}

/** Ends where the connection does, however that comes about. */
async function* linesOf(socket: Socket): AsyncGenerator<string, undefined> {
  try {
    for await (const lines of splitLines(socket as AsyncIterable<Buffer>)) yield* lines
  } catch (error) {
    if (codeOf(error) === undefined) throw error
  }
  return undefined
}
