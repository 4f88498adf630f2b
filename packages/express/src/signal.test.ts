import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const SCRIPT = `
import { createServer } from 'node:http'
const { gracefulShutdown } = await import(process.argv[1])
const client = { close: async () => (console.log('flushed'), { sent: 0, dropped: 0, pending: 0 }) }
const server = createServer((request, response) => response.end('ok')).listen(0, () => console.log('listening'))
gracefulShutdown(server, client, { close: () => console.log('closed') })
setInterval(() => {}, 1_000_000)
`

test('on SIGTERM a process sends what is left, closes the rest, and ends as the signal would have ended it', async () => {
  const module = fileURLToPath(new URL('graceful-shutdown.ts', import.meta.url))
  // From this package's folder, so that its tsconfig.json leads to the sources of core.
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', SCRIPT, module], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const said: string[] = []
  const exit = once(child, 'exit')
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.push(...text.trim().split('\n'))
    if (text.includes('listening')) child.kill('SIGTERM')
  })
  expect(await exit).toEqual([null, 'SIGTERM'])
  expect(said).toEqual(['listening', 'flushed', 'closed'])
})
