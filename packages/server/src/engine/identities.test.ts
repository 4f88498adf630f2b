import { HOUR_MS, MINUTE_MS } from '@damson/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryStore } from '../store/memory.ts'
import { createTestServer } from '../testing/test-server.ts'

const ids = fc.constantFrom('ann', 'bob', 'd1', 'd2', 'd3')
const devices = fc.uniqueArray(fc.record({ deviceId: ids, systemName: fc.constant('iOS') }), { maxLength: 2 })
const ACTIONS = (
  'start stop pauseSession resumeSession track advance heartbeat setUserAttributes setUserAttributes setUserAttributes ' +
  'setDeviceAttributes setTrafficSourceInfo registerDevice deleteUser block unblock getVars trackGeofence restart ' +
  'pauseState resumeState'
).split(' ')

const action = fc.record(
  {
    action: fc.constantFrom(...ACTIONS),
    userId: ids,
    deviceId: ids,
    newUserId: ids,
    devices,
    fullErasure: fc.boolean(),
    background: fc.boolean(),
    event: fc.constant('e'),
    state: fc.constantFrom('', 's'),
    email: fc.constant('dev@example.com'),
    trafficSource: fc.constant({ publisherId: '1' }),
    reqId: fc.constantFrom('r1', 'r2', 'r3'),
    createDisposition: fc.constantFrom('CreateIfNeeded', 'CreateNever'),
    devMode: fc.constant(false),
  },
  { requiredKeys: ['action', 'event', 'state', 'email', 'trafficSource'] },
)
const step = fc.record({
  wait: fc.constantFrom(0, 1, MINUTE_MS, HOUR_MS, 3 * HOUR_MS),
  isSwept: fc.boolean(),
  data: fc.array(action, { minLength: 1, maxLength: 6 }),
})

test('whoever is registered, merged, switched, deleted or blocked in whatever order: every action is answered', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.boolean(), async (steps, isTiny) => {
      const world = await createTestServer({ store: memoryStore(isTiny ? { cachedProfiles: 1 } : {}) })
      for (const { wait, isSwept, data } of steps) {
        world.clock.advance(wait)
        if (isSwept) await world.sweep()
        const body = JSON.stringify({ appId: 'app_test', clientKey: 'dev_test', action: 'multi', data })
        const answer = await world.fetch(new Request('http://test/api', { method: 'POST', body }))
        expect(answer.status).toBe(200)
        const { response } = (await answer.json()) as { response: unknown[] }
        expect(response).toHaveLength(data.length)
      }
      world.clock.advance(3 * HOUR_MS)
      await world.sweep()
      const users = []
      for await (const { userId } of world.store.profiles('app_test')) users.push(userId)
      expect(new Set(users).size).toBe(users.length)
      await world.close()
    }),
    { numRuns: 500 },
  )
})
