import { afterEach, expect, test, vi } from 'vitest'
import { flushBeforeExit } from './exit.ts'

afterEach(() => vi.unstubAllGlobals())

const refuse = () => {
  throw new Error('A Node.js API is used which is not supported in the Edge Runtime.')
}

test.each([
  ['there is no process, as in a browser', undefined],
  ['the process knows no events', {}],
  ['whatever is called throws, as on the edge of Next', { once: refuse, off: refuse }],
])('where %s, being busy harms nobody', (_, process) => {
  vi.stubGlobal('process', process)
  const tell = flushBeforeExit(async () => undefined)
  for (const isBusy of [true, false, true, false]) expect(() => tell(isBusy)).not.toThrow()
})

test('a process that runs out of work is asked for once, and not when there is nothing to send', () => {
  const host = { once: vi.fn(), off: vi.fn() }
  vi.stubGlobal('process', host)
  const [one, two] = [flushBeforeExit(async () => undefined), flushBeforeExit(async () => undefined)]
  one(true)
  two(true)
  one(false)
  expect([host.once.mock.calls.length, host.off.mock.calls.length]).toEqual([1, 0])
  two(false)
  expect([host.once.mock.calls.length, host.off.mock.calls.length]).toEqual([1, 1])
})
