import { expect, test } from 'vitest'
import { pooledRandom } from './random.ts'

test('no byte is given out twice, and what was given out stays as it is', () => {
  const random = pooledRandom()
  const given = Array.from({ length: 5_000 }, () => random(8))
  const before = given.map((bytes) => Buffer.from(bytes).toString('hex'))
  expect(new Set(before).size).toBe(5_000)
  for (let n = 0; n < 5_000; n += 1) random(8)
  expect(given.map((bytes) => Buffer.from(bytes).toString('hex'))).toEqual(before)
  expect(given.every(({ length }) => length === 8)).toBe(true)
})
