import { recordingFetch } from '@damson/core/testing'
import { expect, test, vi } from 'vitest'
import { sharedClient } from './registry.ts'

const options = (appId: string) => ({ appId, clientKey: 'k', fetch: recordingFetch() })

test('one client per app, whoever asks', () => {
  expect(sharedClient(options('a'))).toBe(sharedClient(options('a')))
  expect(sharedClient(options('b'))).not.toBe(sharedClient(options('a')))
})

test('a second copy of the module finds the client of the first', async () => {
  const client = sharedClient(options('a'))
  vi.resetModules()
  const copy = await import('./registry.ts')
  expect(copy.sharedClient).not.toBe(sharedClient)
  expect(copy.sharedClient(options('a'))).toBe(client)
})
