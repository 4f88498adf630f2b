import { createHash } from 'node:crypto'
import { chmodSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Logger } from '../logger.ts'
import { codeOf, Problem, reasonOf } from './problem.ts'

/** What other commands may ask of the server that has the data: it alone can read the file. */
export interface Control {
  /** Writes a whole copy of the database to a new file. */
  backup(file: string): Promise<void>
}

type Request = { readonly method: 'backup'; readonly file: string }
type Reply = { readonly ok: true } | { readonly ok: false; readonly message: string }

/** Where the server of a folder listens: a socket in the folder itself, which only its owner can open. */
function addressOf(folder: string): string {
  if (process.platform !== 'win32') return join(folder, 'damson.sock')
  return `\\\\.\\pipe\\damson-${createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 32)}`
}

/** Answers other commands until it is closed. The folder must be ours: what lies at the address is from one who died. */
export async function serveControl(
  folder: string,
  control: Control,
  logger: Logger,
): Promise<{ close(): Promise<void> }> {
  const address = addressOf(folder)
  if (process.platform !== 'win32') rmSync(address, { force: true })
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    // Whoever asked has gone; nobody is left to tell.
    socket.on('error', () => undefined)
    createInterface({ input: socket }).once('line', (line) => {
      void reply(line, control).then((answer) => socket.end(`${JSON.stringify(answer)}\n`))
    })
  })
  try {
    await new Promise<void>((done, fail) => server.once('error', fail).listen(address, done))
    if (process.platform !== 'win32') chmodSync(address, 0o600)
  } catch (error) {
    logger.warn({ err: error }, "'damson backup' cannot reach this server: its folder takes no socket")
  }
  return {
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

async function reply(line: string, control: Control): Promise<Reply> {
  try {
    const request = JSON.parse(line) as Request
    if (request.method !== 'backup') throw new Error(`unknown: ${String(request.method)}`)
    await control.backup(request.file)
    return { ok: true }
  } catch (error) {
    return { ok: false, message: reasonOf(error) }
  }
}

/** The server that has a folder, as seen from another process. */
export function remoteControl(folder: string): Control {
  return { backup: (file) => ask(folder, { method: 'backup', file }) }
}

function ask(folder: string, request: Request): Promise<void> {
  return new Promise((done, fail) => {
    const socket = connect(addressOf(folder), () => socket.write(`${JSON.stringify(request)}\n`))
    const ended = () => fail(new Problem('the server ended before it had answered. Run the command again.'))
    socket.once('error', (error) =>
      codeOf(error) === 'ECONNRESET'
        ? ended()
        : fail(
            new Problem(`the server that has ${folder} cannot be reached: ${reasonOf(error)}. Stop it, or upgrade it.`),
          ),
    )
    socket.once('close', ended)
    createInterface({ input: socket }).once('line', (line) => {
      const answer = JSON.parse(line) as Reply
      if (answer.ok) done()
      else fail(new Problem(`the server could not do it: ${answer.message}`))
      socket.destroy()
    })
  })
}
