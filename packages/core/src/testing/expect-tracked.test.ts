import { expect, test } from 'vitest'
import { createClient } from '../client/client.ts'
import { expectTracked, trackedMatchers, type TrackedMatchers } from './expect-tracked.ts'
import { recordingFetch } from './recording-fetch.ts'

expect.extend(trackedMatchers)
declare module 'vitest' {
  // The generic names must be those of vitest itself, or the two declarations do not merge.
  interface Matchers<T> extends TrackedMatchers<T> {}
}

async function purchase() {
  const server = recordingFetch()
  const client = createClient({ appId: 'a', clientKey: 'k', fetch: server })
  await client.for({ userId: 'ada' }).track('Purchase', { item: 'tea', pots: 2 }, { value: 3 })
  await client.flush()
  return server
}

test('a match may name as much as it likes', async () => {
  const server = await purchase()
  expectTracked(server, 'Purchase')
  expectTracked(server, 'Purchase', { userId: 'ada', value: 3, params: { item: 'tea' }, times: 1 })
  expect(server).toHaveTracked('Purchase', { params: { pots: 2 } })
  expect(server).not.toHaveTracked('Purchase', { params: { item: 'coffee' } })
})

test('a failure says what came instead', async () => {
  const server = await purchase()
  expect(() => expectTracked(server, 'Purchase', { times: 2 })).toThrow(
    'Expected 2 × {"event":"Purchase"}, found 1. The server received:\n  {"event":"Purchase","userId":"ada","value":3,' +
      '"params":{"item":"tea","pots":2}}',
  )
  expect(() => expectTracked(recordingFetch(), 'Purchase')).toThrow('Await client.flush() before you look.')
})
