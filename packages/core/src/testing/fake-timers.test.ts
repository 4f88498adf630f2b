import { expect, test } from 'vitest'
import { fakeClock } from './fake-clock.ts'
import { fakeTimers } from './fake-timers.ts'

test('timers run in the order they are due, at their own instant, with those they set on the way', async () => {
  const clock = fakeClock(0)
  const timers = fakeTimers(clock)
  const seen: string[] = []
  timers.after(30, () => seen.push(`c at ${clock.now()}`), false)
  timers.after(10, () => void timers.after(5, () => seen.push(`b at ${clock.now()}`), false), false)
  const cancel = timers.after(20, () => seen.push('never'), false)
  cancel()
  await timers.advance(29)
  expect(seen).toEqual(['b at 15'])
  await timers.advance(1)
  expect(seen).toEqual(['b at 15', 'c at 30'])
  expect(timers.pending()).toBe(0)
})
