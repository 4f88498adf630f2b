import { MINUTE_MS, SECOND_MS } from '@damson/core'
import { fakeClock } from '@damson/core/testing'
import { expect, test } from 'vitest'
import { type Admission, createLanes } from './lanes.ts'

const NOW = 1_700_000_000_000

const tick = () => new Promise((resolve) => setImmediate(resolve))

/** A lane of one call at a time, with as many waiting as there may be. */
async function fullLane(clock: ReturnType<typeof fakeClock>) {
  const lanes = createLanes(clock)
  const places: Extract<Admission, { leave: unknown }>[] = []
  const enter = () =>
    lanes.enter('x', 1).then((admission) => {
      if ('leave' in admission) places.push(admission)
      return 'laterAt' in admission ? admission.laterAt - clock.now() : null
    })
  for (let index = 0; index <= 240; index += 1) void enter()
  await tick()
  const end = async () => {
    places.shift()!.leave(true)
    // One who waited takes the place, and one who came since waits in theirs.
    await tick()
    void enter()
  }
  return { enter, end }
}

test('who finds no place comes back in a second, as long as nobody knows the pace', async () => {
  const { enter } = await fullLane(fakeClock(NOW))
  expect([await enter(), await enter(), await enter()]).toEqual([SECOND_MS, SECOND_MS, SECOND_MS])
})

test('who finds no place in a slow lane comes back about when it is their turn, and within a minute', async () => {
  const clock = fakeClock(NOW)
  const { enter, end } = await fullLane(clock)
  for (let call = 0; call < 100; call += 1) {
    clock.advance(100)
    await end()
  }
  const waits = []
  for (let index = 0; index < 3_000; index += 1) waits.push((await enter())!)
  expect([waits[0], waits[39]]).toEqual([SECOND_MS, SECOND_MS])
  // Ten calls a second: a hundred take ten seconds, and come four times as soon.
  expect(waits[140]! - waits[40]!).toBeGreaterThan(2_300)
  expect(waits[140]! - waits[40]!).toBeLessThanOrEqual(2_500)
  expect(waits.toSorted((one, other) => one - other)).toEqual(waits)
  expect(waits.at(-1)).toBe(MINUTE_MS)
  clock.advance(2 * MINUTE_MS)
  expect(await enter(), 'once it is over it is forgotten').toBe(SECOND_MS)
})
