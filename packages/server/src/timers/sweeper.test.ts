import { MINUTE_MS } from '@damson/core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { silentLogger } from '../logger.ts'
import type { ProfileRef } from '../store/store.ts'
import { createSweeper, type SweeperOptions } from './sweeper.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A store with nothing but deadlines: a stand-in at the edge, so that failures can be arranged. */
function world(userIds: readonly string[]) {
  const overdue = new Set(userIds)
  const forgotten: number[] = []
  const options = {
    clock: { now: () => Date.now() },
    logger: silentLogger,
    store: {
      overdue: (_now: number, limit: number) => Promise.resolve([...overdue].slice(0, limit).map(refOf)),
      forget: (now: number) => Promise.resolve(void forgotten.push(now)),
    },
    settle: ({ userId }: ProfileRef) => Promise.resolve(void overdue.delete(userId ?? '')),
  } satisfies SweeperOptions
  return { overdue, forgotten, options }
}

function refOf(userId: string): ProfileRef {
  return { appId: 'app', userId, deviceId: null, needsSeen: false }
}

test('one sweep settles everybody, however many they are', async () => {
  const { overdue, options } = world(Array.from({ length: 1_234 }, (_, index) => `user ${index}`))
  expect(await createSweeper(options).sweep()).toBe(1_234)
  expect(overdue.size).toBe(0)
})

test('a profile that cannot be settled is left for the next run, and the others are settled', async () => {
  const { overdue, options } = world(['ada', 'bad', 'cleo'])
  const logger = { ...silentLogger, error: vi.fn() }
  const settle = (ref: ProfileRef) =>
    ref.userId === 'bad' ? Promise.reject(new Error('not now')) : options.settle(ref)
  expect(await createSweeper({ ...options, logger, settle }).sweep()).toBe(2)
  expect([...overdue]).toEqual(['bad'])
  expect(logger.error).toHaveBeenCalledOnce()
})

test('only one run is in flight, and a sweep that is asked for meanwhile follows it', async () => {
  const { options } = world([])
  let running = 0
  let most = 0
  let runs = 0
  const overdue = async () => {
    runs += 1
    most = Math.max(most, ++running)
    await Promise.resolve()
    running -= 1
    return []
  }
  const { sweep } = createSweeper({ ...options, store: { ...options.store, overdue } })
  await Promise.all([sweep(), sweep(), sweep()])
  expect({ most, runs }).toEqual({ most: 1, runs: 3 })
})

test('the timer sweeps again and again, through failures, forgets every ten minutes, and stops', async () => {
  const { forgotten, options } = world([])
  let runs = 0
  const overdue = () => (++runs === 2 ? Promise.reject(new Error('away')) : Promise.resolve([]))
  const logger = { ...silentLogger, error: vi.fn() }
  const sweeper = createSweeper({ ...options, logger, store: { ...options.store, overdue } })
  sweeper.start()
  await vi.advanceTimersByTimeAsync(11 * MINUTE_MS)
  expect(runs).toBe((11 * MINUTE_MS) / 5_000)
  expect(forgotten.length).toBe(2)
  expect(logger.error).toHaveBeenCalledOnce()
  await sweeper.stop()
  await vi.advanceTimersByTimeAsync(MINUTE_MS)
  expect(runs).toBe((11 * MINUTE_MS) / 5_000)
})
