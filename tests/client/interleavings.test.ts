import { createClient, type DroppedAction } from '@damson/core'
import { fakeTimers } from '@damson/core/testing'
import { createTestServer } from '@damson/server/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { faultyNetwork } from './faulty-network.ts'

/** A thousand runs in every `npm test`, twenty thousand in `pnpm nightly`. */
const RUNS = Number(process.env['DAMSON_INTERLEAVINGS'] ?? 1_000)

const fault = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  { weight: 2, arbitrary: fc.constantFrom('networkError' as const, 'answerLost' as const, 429, 408, 500, 503) },
)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('track' as const), user: fc.nat(2), urgent: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 100, 5_000, 60_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const) }) },
)

const property = fc.asyncProperty(
  fc.scheduler(),
  fc.array(step, { minLength: 1, maxLength: 25 }),
  fc.array(fault, { maxLength: 12 }),
  fc.boolean(),
  async (scheduler, steps, faults, isDeviceOnly) => {
    const world = await createTestServer()
    const timers = fakeTimers(world.clock)
    const dropped: DroppedAction[] = []
    const script = [...faults]
    const network = faultyNetwork(world.fetch, () => script.shift() ?? null)
    // A task of the scheduler may not reject, so a fault is carried out of it as a value.
    const scheduled = scheduler.scheduleFunction((request: Request) =>
      network(request).catch((error: unknown) => error),
    )
    const client = createClient({
      appId: 'app_test',
      clientKey: 'prod_test',
      // Requests go out, and answers come back, in whatever order the scheduler likes.
      fetch: async (request) => {
        const outcome = await scheduled(request)
        if (outcome instanceof Response) return outcome
        throw outcome
      },
      clock: world.clock,
      timers,
      flushAt: 4,
      onDrop: (each) => dropped.push(each),
    })
    const tracked: string[][] = [[], [], []]
    for (const [index, each] of steps.entries()) {
      if (each.do === 'track') {
        const name = `e${index}`
        tracked[each.user]!.push(name)
        const identity = isDeviceOnly ? { deviceId: `user${each.user}` } : { userId: `user${each.user}` }
        await client.for(identity).track(name, {}, { urgent: each.urgent })
      } else if (each.do === 'flush') void client.flush()
      else if (each.do === 'close') void client.close()
      else await timers.advance(each.ms)
      if (index % 3 === 0 && scheduler.count() > 0) await scheduler.waitOne()
    }
    const closing = client.close({ timeoutMs: 3_600_000 })
    let report: Awaited<typeof closing> | null = null
    void closing.then((each) => (report = each))
    while (report === null) {
      await timers.settle()
      if (scheduler.count() > 0) await scheduler.waitOne()
      else await timers.advance(1_000)
    }
    expect(report).toMatchObject({ pending: 0 })

    for (const [user, names] of tracked.entries()) {
      const entries = await world.entries('app_test', `user${user}`)
      const counted = entries.flatMap((entry) => (entry.kind === 'event' ? [entry.name] : []))
      expect(new Set(counted).size, 'nothing is counted twice').toBe(counted.length)
      expect(counted, 'the order of a user holds').toEqual(names.filter((name) => counted.includes(name)))
      const reported = new Map(dropped.map(({ name, reason }) => [name, reason]))
      for (const name of names) {
        if (!counted.includes(name)) expect(reported.get(name), `${name} is lost silently`).toBe('closed')
      }
    }
    await world.close()
  },
)

test(`any order of track, flush, fail and close loses nothing silently and counts nothing twice (${RUNS} runs)`, async () => {
  await fc.assert(property, { numRuns: RUNS })
}, 3_600_000)
