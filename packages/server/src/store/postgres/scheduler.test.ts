import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Turn } from '../store.ts'
import { createDeviceOwners } from './device-owners.ts'
import { createScheduler, type SchedulerOptions } from './scheduler.ts'
import type { Task } from './task.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout', 'setImmediate'] }))
afterEach(() => void vi.useRealTimers())

test('a group goes beside another only when as many turns wait as are under way', async () => {
  const { ask, sizes } = scene()
  ask(4)
  await turnOfTheLoop()
  expect(sizes()).toEqual([4])
  ask(3)
  await turnOfTheLoop()
  expect(sizes()).toEqual([4])
  ask(1)
  await turnOfTheLoop()
  expect(sizes()).toEqual([4, 4])
  ask(7)
  await turnOfTheLoop()
  expect(sizes()).toEqual([4, 4])
})

test('of many that wait half is a group, so that there is something to do while it is written', async () => {
  const { ask, finish, sizes } = scene()
  ask(64)
  await turnOfTheLoop()
  expect(sizes()).toEqual([32, 32])
  finish()
  ask(31)
  await turnOfTheLoop()
  expect(sizes()).toEqual([32, 32])
  ask(1)
  await turnOfTheLoop()
  expect(sizes()).toEqual([32, 32, 32])
})

test('turns of one user go together, however many: none of them could go beside the others', async () => {
  const { ask, sizes } = scene()
  ask(64, 'ann')
  await turnOfTheLoop()
  expect(sizes()).toEqual([64])
})

test('few that wait go together', async () => {
  const { ask, sizes } = scene()
  ask(16)
  await turnOfTheLoop()
  expect(sizes()).toEqual([16])
})

test('what waits goes as soon as the group under way ends', async () => {
  const { ask, finish, sizes } = scene()
  ask(4)
  await turnOfTheLoop()
  ask(3)
  await turnOfTheLoop()
  finish()
  await turnOfTheLoop()
  expect(sizes()).toEqual([4, 3])
})

test('nobody waits for a group that takes long, even if nothing else comes', async () => {
  const { ask, sizes } = scene()
  ask(4)
  await turnOfTheLoop()
  ask(1)
  await vi.advanceTimersByTimeAsync(20)
  expect(sizes()).toEqual([4])
  await vi.advanceTimersByTimeAsync(40)
  expect(sizes()).toEqual([4, 1])
  ask(1)
  await turnOfTheLoop()
  expect(sizes()).toEqual([4, 1, 1])
})

test('of one bucket each is a group of its own, as soon as there is room for it', async () => {
  const { ask, sizes } = scene({ isNarrow: true, groups: 3 })
  ask(2)
  await turnOfTheLoop()
  ask(1)
  await turnOfTheLoop()
  expect(sizes()).toEqual([1, 1, 1])
})

test('of one bucket, what failed and will be tried again holds up nobody of another one', async () => {
  const played: (string | null | undefined)[] = []
  const { ask } = scene({
    isNarrow: true,
    groups: 1,
    play([task]) {
      played.push(task?.ref.userId)
      return Promise.reject(Object.assign(new Error('connection to the remote node failed'), { code: '08006' }))
    },
  })
  ask(2)
  await vi.advanceTimersByTimeAsync(29)
  expect(played).toEqual(['user-1', 'user-2'])
  await vi.advanceTimersByTimeAsync(5)
  expect(played).toEqual(['user-1', 'user-2', 'user-1', 'user-2'])
})

test('a turn that comes while nothing is under way waits for nobody, and no timer is left behind', async () => {
  const { ask, finish, sizes } = scene()
  for (let n = 0; n < 3; n += 1) {
    ask(1)
    await turnOfTheLoop()
    finish()
    await turnOfTheLoop()
  }
  expect(sizes()).toEqual([1, 1, 1])
  expect(vi.getTimerCount()).toBe(0)
})

async function turnOfTheLoop(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}

/** A scheduler whose groups are under way until `finish` ends the oldest. */
function scene(more: Partial<SchedulerOptions> = {}) {
  const groups: (readonly Task[])[] = []
  const ends: (() => void)[] = []
  let users = 0
  const scheduler = createScheduler({
    lockWaitMs: 1_000,
    maxPendingTurns: 1_000,
    shedAfterMs: 1_000,
    groups: 3,
    isNarrow: false,
    owners: createDeviceOwners(),
    play(tasks) {
      groups.push(tasks)
      return new Promise((resolve) =>
        ends.push(() => resolve(tasks.map(() => ({ type: 'answered', answer: undefined })))),
      )
    },
    ...more,
  })
  const decide = (): Turn<undefined> => ({ answer: undefined })
  return {
    /** @param userId whose turns they are; absent: each is of somebody else */
    ask(count: number, userId?: string): void {
      for (let n = 0; n < count; n += 1) {
        const id = userId ?? `user-${(users += 1)}`
        void scheduler.transact({ appId: 'app', userId: id, deviceId: null, needsSeen: false }, decide)
      }
    },
    finish: () => ends.shift()?.(),
    sizes: () => groups.map(({ length }) => length),
  }
}
