import { PassThrough } from 'node:stream'
import { run } from './run.ts'

/** A command line under test, and what it said. */
export interface Session {
  readonly code: Promise<number>
  readonly printed: string[]
  readonly complaints: string[]
  /** Resolves with the first printed text that has `part` in it; rejects if the command ends without. */
  saying(part: string): Promise<string>
  /** What Ctrl-C does. */
  interrupt(): void
}

/** Runs the command line in this process, with a terminal of its own. */
export function start(args: readonly string[], stdin = ''): Session {
  const printed: string[] = []
  const complaints: string[] = []
  const listeners = new Set<() => void>()
  let interrupt = () => {}
  const interrupted = new Promise<void>((resolve) => (interrupt = resolve))
  const input = new PassThrough()
  input.end(stdin)
  const code = run(args, {
    print(text) {
      printed.push(text)
      for (const listener of listeners) listener()
    },
    complain: (text) => void complaints.push(text),
    screen: null,
    stdin: input,
    interrupted,
  })

  function saying(part: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const text = printed.find((one) => one.includes(part))
        if (text !== undefined) resolve(text)
      }
      listeners.add(look)
      look()
      void code.then(() =>
        reject(new Error(`'${part}' was never said, but: ${[...printed, ...complaints].join('\n')}`)),
      )
    })
  }
  return { code, printed, complaints, saying, interrupt: () => interrupt() }
}

/** Runs a command that ends by itself; one that would go on is interrupted at once. */
export async function finish(
  args: readonly string[],
  stdin = '',
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const session = start(args, stdin)
  session.interrupt()
  const code = await session.code
  return { code, out: session.printed.join('\n'), err: session.complaints.join('\n') }
}
