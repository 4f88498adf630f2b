import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createClient } from '@damson/core'
import { expect, test } from 'vitest'

/** A tenth of it in every `npm test`; the million in `pnpm nightly`. */
const EVENTS = Number(process.env['DAMSON_SOAK'] ?? 100_000)
const USERS = 20_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Node clears up behind its requests in turns of their own, after a collection. */
async function heapMiB(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    collectGarbage()
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed / 2 ** 20
}

test(`${EVENTS} events of ${USERS} users through one client leave the heap flat`, async () => {
  const client = createClient({
    appId: 'a',
    clientKey: 'k',
    mirrorSize: 1_000,
    async fetch(request) {
      const { data } = (await request.json()) as { data: { reqId: string }[] }
      return Response.json({ response: data.map(({ reqId }) => ({ success: true, reqId })) })
    },
  })
  const heaps: number[] = []
  for (let index = 0; index < EVENTS; index += 1) {
    await client.for({ userId: `user${index % USERS}` }).track('Tick', { index })
    if (index % 1_000 === 999) await client.flush()
    if ((index + 1) % (EVENTS / 10) === 0) heaps.push(await heapMiB())
  }
  expect(client.stats()).toMatchObject({ pending: 0, dropped: {} })
  // The first tenth fills the mirror and warms the code up; from there on nothing may grow.
  const growth = heaps.at(-1)! - heaps[1]!
  process.stdout.write(`heap in MiB: ${heaps.map((heap) => heap.toFixed(1)).join(' ')}\n`)
  expect(growth).toBeLessThan(1)
  await client.close()
}, 600_000)
