import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { listen } from '@damson/server/node'
import { createServer, memoryStore } from '@damson/server'
import { TEST_APP } from '@damson/server/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'

const store = memoryStore()
const server = createServer({ store, apps: [TEST_APP] })
let listening: Awaited<ReturnType<typeof listen>>
beforeAll(async () => {
  listening = await listen({ server, host: '127.0.0.1', port: 0 })
})
afterAll(() => listening.stop())

/** Runs a few lines in a process of their own, with `client` and `ada` at hand, and waits for its end. */
function run(lines: string): Promise<{ code: number | null; signal: string | null; stderr: string }> {
  const code = `import { createClient } from '@damson/core'
    const client = createClient({ appId: 'app_test', clientKey: 'prod_test', endpoint: '${listening.url}' })
    const ada = client.for({ userId: 'ada' })
    ${lines}`
  return new Promise((resolve, reject) => {
    const cwd = fileURLToPath(new URL('.', import.meta.url))
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd })
    let stderr = ''
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
    child.on('error', reject)
    child.on('exit', (exitCode, signal) => resolve({ code: exitCode, signal, stderr }))
  })
}

async function counted(name: string): Promise<number> {
  let count = 0
  for await (const { entry } of store.entries({ appId: 'app_test' })) {
    if (entry.kind === 'event' && entry.name === name) count += 1
  }
  return count
}

test('a process that is killed right after flush() resolved has lost nothing', async () => {
  const end = await run(`
    for (let index = 0; index < 100; index += 1) void ada.track('Flushed')
    await client.flush()
    process.kill(process.pid, 'SIGKILL')`)
  expect(end.signal).toBe('SIGKILL')
  expect(await counted('Flushed')).toBe(100)
})

test('a script that tracks and simply ends is sent as well', async () => {
  expect(await run(`void ada.track('At the end')`)).toMatchObject({ code: 0, stderr: '' })
  expect(await counted('At the end')).toBe(1)
})

test('an idle client keeps no process up, nor does one whose server is gone', async () => {
  expect(await run('')).toMatchObject({ code: 0, stderr: '' })
  const gone = `createClient({ appId: 'a', clientKey: 'k', endpoint: 'http://127.0.0.1:9/api', flushTimeoutMs: 100 })`
  expect(await run(`void ${gone}.for({ userId: 'ada' }).track('Nowhere')`)).toMatchObject({ code: 0, stderr: '' })
})
