import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IdSource, pooledRandom, systemRandom } from './ids.ts'

test('of what is drawn each word is given out once at most, and as much as was asked for', () => {
  const length = fc.oneof(fc.nat(10), fc.constant(500)).map((words) => 4 * words)
  fc.assert(
    fc.property(fc.array(length, { maxLength: 300 }), (lengths) => {
      let drawn = 0
      const random = pooledRandom((bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset)
        for (let index = 0; index + 4 <= bytes.length; index += 4) view.setUint32(index, (drawn += 1))
      })
      const given = lengths.map((length) => random.bytes(length))
      expect(given.map((bytes) => bytes.length)).toEqual(lengths)
      const words = given.flatMap((bytes) => wordsOf(bytes))
      expect(new Set(words).size).toBe(words.length)
    }),
  )
})

test('what was given out is nowhere else any more', () => {
  let seen: Uint8Array | undefined
  const random = pooledRandom((bytes) => void (seen = bytes.fill(7)))
  const first = random.bytes(8)
  random.bytes(16)
  expect([...first]).toEqual(Array(8).fill(7))
  expect([...seen!.subarray(0, 24)]).toEqual(Array(24).fill(0))
  expect(seen!.subarray(24).every((byte) => byte === 7)).toBe(true)
})

test('ids are positive 64-bit integers, and no two are alike', () => {
  const ids = new IdSource(systemRandom)
  const taken = Array.from({ length: 5_000 }, () => ids.take())
  expect(new Set(taken).size).toBe(5_000)
  expect(taken.every((id) => BigInt(id) > 0n && BigInt(id) < 2n ** 63n)).toBe(true)
})

function wordsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4))
}
