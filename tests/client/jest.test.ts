import { createClient } from '@damson/core'
import { recordingFetch, trackedMatchers, type TrackedMatchers } from '@damson/core/testing'
import { expect as jestExpect } from 'expect'
import { expect, test } from 'vitest'

declare module 'expect' {
  interface Matchers<R> extends TrackedMatchers<R> {}
}

test("jest's own expect takes the matchers, and says what came instead", async () => {
  const server = recordingFetch()
  const client = createClient({ appId: 'app_1', clientKey: 'prod_1', fetch: server })
  await client.for({ userId: 'ada' }).track('Purchase', { item: 'tea' })
  await client.close()
  jestExpect.extend(trackedMatchers)
  jestExpect(server).toHaveTracked('Purchase', { userId: 'ada', params: { item: 'tea' }, times: 1 })
  jestExpect(server).not.toHaveTracked('Refund')
  expect(() => jestExpect(server).toHaveTracked('Refund')).toThrow(
    /Expected at least one × .*Refund.*found 0[^]*Purchase/,
  )
  expect(() => jestExpect(server).not.toHaveTracked('Purchase')).toThrow('Expected not at least one')
})
