import { Worker } from 'node:worker_threads'
import type { OpenOptions } from './shape.ts'
import { THREAD_FLAGS, threadFile } from './thread-file.ts'

/** The thread that owns a file. It carries out calls one after the other, in the order they were made. */
export interface Thread<T> {
  /** Resolves when the file is open, with what the thread says of it. */
  readonly opening: Promise<T>
  call<R>(method: string, ...args: unknown[]): Promise<R>
  /** Resolves when the thread has ended: only with it is the file let go. */
  close(): Promise<void>
}

interface Call {
  readonly method: string
  readonly args: readonly unknown[]
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

type Answer = { readonly value: unknown } | { readonly error: unknown }

/**
 * Calls that are made in one go share a message, and so do their answers: waking a thread costs more than reading a page.
 *
 * Those that wait for answers stand in a list and not in a map by ids. The tables that a map has outgrown refer to those that
 * followed, so once one of them is old, the collector keeps whatever came after it, answers included, until it collects the old.
 */
export function startThread<T>(options: OpenOptions): Thread<T> {
  const worker = new Worker(threadFile('worker.mjs'), {
    workerData: options,
    execArgv: THREAD_FLAGS,
    name: 'damson-store',
  })
  const sent: Call[][] = []
  let toSend: Call[] = []
  let death: Error | null = null

  function send(): void {
    const calls = toSend
    toSend = []
    if (calls.length === 0) return
    sent.push(calls)
    worker.postMessage(calls.map(({ method, args }) => ({ method, args })))
  }

  function end(error: Error): void {
    death ??= error
    const lost = [...sent.splice(0).flat(), ...toSend.splice(0)]
    for (const { reject } of lost) reject(death)
  }

  worker.on('message', (answers: readonly Answer[]) => {
    const calls = sent.shift() ?? []
    // A store that has nothing to do does not keep the process alive.
    if (sent.length === 0 && toSend.length === 0) worker.unref()
    for (const [index, { resolve, reject }] of calls.entries()) {
      const answer = answers[index] ?? { error: new Error('Expected an answer to each call.') }
      if ('error' in answer) reject(answer.error)
      else resolve(answer.value as never)
    }
  })
  worker.on('error', end)
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      end(new Error('the thread of the store has ended'))
      resolve()
    })
  })

  function call<R>(method: string, ...args: unknown[]): Promise<R> {
    if (death !== null) return Promise.reject(death)
    return new Promise<R>((resolve, reject) => {
      worker.ref()
      if (toSend.push({ method, args, resolve, reject }) === 1) queueMicrotask(send)
    })
  }

  return {
    opening: new Promise((resolve, reject) => sent.push([{ method: 'open', args: [], resolve, reject }])),
    call,
    async close() {
      if (death === null) await call('close')
      worker.ref()
      await exited
    },
  }
}
