import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listen } from '@damson/server/node'
import { createServer, memoryStore } from '@damson/server'
import { TEST_APP } from '@damson/server/testing'
import { expect, test } from 'vitest'

/** Twenty-five in every `npm test`, two hundred in `pnpm nightly`. */
const KILLS = Number(process.env['DAMSON_KILLS'] ?? 25)
const CHILD = fileURLToPath(new URL('crash-child.mjs', import.meta.url))

/** Runs the child; kills it `lifeMs` after its first word, or lets it end by itself. */
function run(args: readonly string[], lifeMs: number | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (data: Buffer) => {
      if (said === '' && lifeMs !== null) setTimeout(() => child.kill('SIGKILL'), lifeMs)
      said += data.toString()
    })
    child.on('error', reject)
    child.on('exit', () => resolve(said))
  })
}

test(`kill -9 at ${KILLS} random moments: whatever track() called safe reaches the server exactly once`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'damson-crash-'))
  const store = memoryStore()
  const server = createServer({ store, apps: [TEST_APP] })
  const listening = await listen({ server, host: '127.0.0.1', port: 0 })
  const endpoint = listening.url
  const safe: string[] = []
  for (let round = 0; round < KILLS; round += 1) {
    const said = await run([endpoint, folder, String(round)], Math.random() * 60)
    // The last line may be torn: it was not said in full, so nothing was promised.
    safe.push(
      ...said
        .slice(0, said.lastIndexOf('\n') + 1)
        .split('\n')
        .filter((line) => line !== ''),
    )
  }
  expect(await run([endpoint, folder, 'last', 'drain'], null)).toBe('drained 0\n')

  const counted = new Map<string, number>()
  for await (const { entry } of store.entries({ appId: 'app_test' })) {
    if (entry.kind !== 'event') continue
    const name = String(entry.params?.['name'])
    counted.set(name, (counted.get(name) ?? 0) + 1)
  }
  expect(safe.length).toBeGreaterThan(KILLS)
  expect(
    safe.filter((name) => !counted.has(name)),
    'lost',
  ).toEqual([])
  expect(
    [...counted].filter(([, times]) => times > 1),
    'counted twice',
  ).toEqual([])
  expect(await readdir(folder)).toEqual([])
  process.stdout.write(
    `${KILLS} kills, ${safe.length} events called safe, ${counted.size} counted, none lost, none twice\n`,
  )
  await listening.stop()
  await rm(folder, { recursive: true })
}, 600_000)
