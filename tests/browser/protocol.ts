import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

export type Result = Readonly<Record<string, unknown>>

export interface Connection {
  /** One command, to the browser or to the page of a session. @throws what the browser answered, or that it ended */
  send(method: string, params?: object, sessionId?: string): Promise<Result>
  readonly ended: Promise<void>
}

interface Message {
  readonly id?: number
  /** Of an event, and so is `params`. */
  readonly method?: string
  readonly params?: Result
  readonly result?: Result
  readonly error?: { readonly message: string }
}

interface Waiting {
  readonly sessionId: string | undefined
  resolve(result: Result): void
  reject(error: Error): void
}

/** Starts a browser and speaks its own protocol over a pipe: two file descriptors, JSON with a zero byte between. */
export function connect(program: string, flags: readonly string[]): Connection {
  const stdio = ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] as const
  const child = spawn(program, ['--remote-debugging-pipe', ...flags], { stdio: [...stdio] })
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let said = ''
  let rest = ''

  child.stderr?.setEncoding('utf8').on('data', (text: string) => void (said = (said + text).slice(-2_000)))
  const input = child.stdio[3] as Writable
  // A browser that is gone is told by its end.
  input.on('error', () => undefined)
  const output = child.stdio[4] as Readable
  output.setEncoding('utf8').on('data', (text: string) => {
    const messages = (rest + text).split('\0')
    rest = messages.pop() ?? ''
    for (const message of messages) settle(JSON.parse(message) as Message)
  })
  const ended = new Promise<void>((resolve) => {
    const end = (why: string) => {
      giveUp(() => true, `Chromium ended (${why}):\n${said}`)
      resolve()
    }
    child.once('error', (error) => end(error.message))
    child.once('exit', (code, signal) => end(`code ${code}, signal ${signal}`))
  })

  function settle({ id = 0, method, params, result = {}, error }: Message): void {
    if (method === 'Target.detachedFromTarget') {
      giveUp(({ sessionId }) => sessionId === params?.['sessionId'], 'The tab was closed before it answered.')
    }
    const call = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) call?.resolve(result)
    else call?.reject(new Error(error.message))
  }

  function giveUp(concerns: (call: Waiting) => boolean, message: string): void {
    for (const [id, call] of waiting) {
      if (!concerns(call)) continue
      waiting.delete(id)
      call.reject(new Error(message))
    }
  }

  return {
    ended,
    send(method, params = {}, sessionId) {
      lastId += 1
      const id = lastId
      input.write(`${JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) })}\0`)
      return new Promise((resolve, reject) => void waiting.set(id, { sessionId, resolve, reject }))
    },
  }
}
