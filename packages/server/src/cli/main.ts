#!/usr/bin/env node
import { run } from './run.ts'

/** After the first signal the usual handling is back: a second Ctrl-C ends the process at once. */
const interrupted = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
})

const { stderr, stdin } = process
const code = await run(process.argv.slice(2), {
  print: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => stderr.write(`${text}\n`),
  screen: stderr.isTTY ? stderr : null,
  stdin,
  interrupted,
})
process.exitCode = code
