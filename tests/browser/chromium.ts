import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)

export const hasChromium = CHROMIUM !== undefined

type Result = Readonly<Record<string, unknown>>

export interface Tab {
  /** Runs an expression in the page and gives back its value, awaited. */
  evaluate(expression: string): Promise<unknown>
  send(method: string, params?: object): Promise<Result>
  /** Brings this tab to the front: the others are hidden. */
  activate(): Promise<void>
}

export interface Chromium {
  open(url: string): Promise<Tab>
  close(): Promise<void>
}

/** Chromium by its own protocol over a pipe: two file descriptors, messages of JSON with a zero byte between. */
export function startChromium(): Chromium {
  const profile = mkdtempSync(join(tmpdir(), 'damson-chromium-'))
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars']
  const child = spawn(
    CHROMIUM ?? '',
    [...flags, '--remote-debugging-pipe', `--user-data-dir=${profile}`, 'about:blank'],
    {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    },
  )
  const exited = new Promise((resolve) => child.once('exit', resolve))
  const waiting = new Map<number, { resolve(result: Result): void; reject(error: Error): void }>()
  const input = child.stdio[3] as Writable
  let lastId = 0
  let rest = ''

  const output = child.stdio[4] as Readable
  output.setEncoding('utf8').on('data', (text: string) => {
    const messages = (rest + text).split('\0')
    rest = messages.pop() ?? ''
    for (const message of messages) settle(JSON.parse(message) as Message)
  })

  function settle({ id = 0, result = {}, error }: Message): void {
    const call = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) call?.resolve(result)
    else call?.reject(new Error(error.message))
  }

  function send(method: string, params: object = {}, sessionId?: string): Promise<Result> {
    lastId += 1
    input.write(`${JSON.stringify({ id: lastId, method, params, ...(sessionId && { sessionId }) })}\0`)
    return new Promise((resolve, reject) => void waiting.set(lastId, { resolve, reject }))
  }

  return {
    async open(url) {
      const { targetId } = await send('Target.createTarget', { url })
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
      const call = (method: string, params?: object) => send(method, params, sessionId as string)
      return {
        send: call,
        activate: async () => void (await send('Target.activateTarget', { targetId })),
        async evaluate(expression) {
          const answer = await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
          return (answer['result'] as { readonly value?: unknown }).value
        },
      }
    },
    async close() {
      await Promise.race([send('Browser.close'), exited])
      await exited
      rmSync(profile, { recursive: true, force: true })
    },
  }
}

interface Message {
  readonly id?: number
  readonly result?: Result
  readonly error?: { readonly message: string }
}
