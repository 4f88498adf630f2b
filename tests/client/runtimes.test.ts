import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { listen } from '@damson/server/node'
import { createServer, memoryStore } from '@damson/server'
import { TEST_APP } from '@damson/server/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const BUILT = new URL('../../packages/core/dist/', import.meta.url)

/** The binary of a runtime, out of the package for this platform: its install script need not have run. */
function binaryOf(name: string, ...places: readonly string[]): string {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
  const { optionalDependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    optionalDependencies?: Readonly<Record<string, string>>
  }
  const from = createRequire(manifest)
  for (const platform of Object.keys(optionalDependencies)) {
    for (const root of from.resolve.paths(platform) ?? []) {
      const found = places.map((place) => join(root, platform, place)).find((path) => existsSync(path))
      if (found !== undefined) return found
    }
  }
  throw new Error(`No package of ${name} for ${process.platform} ${process.arch} is installed.`)
}

const RUNTIMES = [
  { name: 'Bun', binary: binaryOf('bun', 'bin/bun', 'bin/bun.exe'), options: ['run'] },
  { name: 'Deno', binary: binaryOf('deno', 'deno', 'deno.exe'), options: ['run', '--allow-all', '--no-config'] },
]

const store = memoryStore()
const server = createServer({ store, apps: [TEST_APP] })
const folder = mkdtempSync(join(tmpdir(), 'damson-runtimes-'))
let listening: Awaited<ReturnType<typeof listen>>
beforeAll(async () => {
  listening = await listen({ server, host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await listening.stop()
  rmSync(folder, { recursive: true })
})

describe.each(RUNTIMES)('the built client in $name', ({ name, binary, options }) => {
  /** Runs a few lines in the runtime, with `client` and `ada` at hand, and waits for its end. */
  function run(lines: string, more = ''): Promise<{ code: number | null; said: string; stderr: string }> {
    const script = join(folder, `${name}.mjs`)
    writeFileSync(
      script,
      `import { createClient } from '${new URL('index.js', BUILT).href}'
      import { folderOutbox } from '${new URL('outbox/index.js', BUILT).href}'
      const server = { appId: 'app_test', clientKey: 'prod_test', endpoint: '${listening.url}' }
      const client = createClient({ ...server, ${more} })
      const ada = client.for({ userId: '${name}' })
      ${lines}`,
    )
    return new Promise((resolve, reject) => {
      const child = spawn(binary, [...options, script], {
        cwd: dirname(script),
        env: { ...process.env, NO_COLOR: '1' },
      })
      let [said, stderr] = ['', '']
      child.stdout.on('data', (data: Buffer) => (said += data.toString()))
      child.stderr.on('data', (data: Buffer) => (stderr += data.toString()))
      child.on('error', reject)
      child.on('exit', (code) => resolve({ code, said, stderr }))
    })
  }

  async function counted(event: string): Promise<number> {
    let count = 0
    for await (const { entry } of store.entries({ appId: 'app_test' })) {
      if (entry.kind === 'event' && entry.name === event) count += 1
    }
    return count
  }

  test('sends what was tracked, and keeps no process up', { timeout: 60_000 }, async () => {
    const end = await run(`
      for (let index = 0; index < 1000; index += 1) void ada.track('${name}: flushed', { index })
      console.log(JSON.stringify(await client.flush()))`)
    // The session is opened before the first of them.
    expect(end).toMatchObject({ code: 0, said: '{"sent":1001,"dropped":0,"pending":0}\n', stderr: '' })
    expect(await counted(`${name}: flushed`)).toBe(1000)
  })

  test('sends what a script that simply ends has tracked', { timeout: 60_000 }, async () => {
    expect(await run(`void ada.track('${name}: at the end')`)).toMatchObject({ code: 0, stderr: '' })
    expect(await counted(`${name}: at the end`)).toBe(1)
  })

  test('keeps actions on the disk until they have arrived', { timeout: 60_000 }, async () => {
    const outbox = join(folder, `outbox-${name}`)
    const option = `outbox: folderOutbox(${JSON.stringify(outbox)})`
    // Nobody listens there: what was tracked stays on the disk.
    const away = `${option}, endpoint: 'http://127.0.0.1:9/api'`
    const first = await run(`await ada.track('${name}: kept'); await client.close({ timeoutMs: 100 })`, away)
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(readdirSync(outbox)).toHaveLength(1)
    const second = await run(`console.log(JSON.stringify(await client.close()))`, option)
    expect(second).toMatchObject({ code: 0, said: expect.stringMatching(/"dropped":0,"pending":0/), stderr: '' })
    expect(await counted(`${name}: kept`)).toBe(1)
    expect(readdirSync(outbox)).toEqual([])
  })
})
