import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createPace } from './pace.ts'

const LONG = 100_000

describe('pace', () => {
  test('takes up one long body in a turn of the loop, in the order they came', async () => {
    const pace = createPace()
    const begun: number[] = []
    const begin = (index: number) => void begun.push(index)
    expect(pace(LONG)).toBeUndefined()
    for (const index of [1, 2, 3]) void pace(LONG)?.then(() => begin(index))
    for (const expected of [[], [1], [1, 2], [1, 2, 3]]) {
      expect(begun).toEqual(expected)
      await turn()
    }
    expect(pace(LONG)).toBeUndefined()
  })

  test('lets a short one pass, whoever waits', () => {
    const pace = createPace()
    void pace(LONG)
    expect(pace(LONG)).toBeInstanceOf(Promise)
    expect(pace(300)).toBeUndefined()
  })

  test('takes several up together that are less than a turn holds', async () => {
    const pace = createPace()
    expect([pace(30_000), pace(30_000), pace(30_000)]).toEqual([undefined, undefined, undefined])
    const begun: number[] = []
    for (const index of [1, 2, 3, 4]) void pace(30_000)?.then(() => begun.push(index))
    await turn()
    expect(begun).toEqual([1, 2, 3])
    await turn()
    expect(begun).toEqual([1, 2, 3, 4])
  })
})
