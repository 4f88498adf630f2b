import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dayOf, DIGITS_PER_ID, entryId, nextTail } from './entry-ids.ts'
import { bucketOf, BUCKETS, decodeId, encodeId } from './keys.ts'

test('the bucket of an id is the one it was stored under by every version', () => {
  const ids = ['ann', 'bob', 'ünï 🦊', '', 'd1', 'a'.repeat(100)]
  expect(ids.map((id) => bucketOf('app_1', id))).toEqual([62, 7, 6, 17, 14, 51])
})

test('ids that differ in their digits alone are spread over all buckets, evenly', () => {
  const counts = new Array<number>(BUCKETS).fill(0)
  for (let n = 0; n < 64_000; n += 1)
    counts[bucketOf('app', `user-${n}`)] = (counts[bucketOf('app', `user-${n}`)] ?? 0) + 1
  expect(Math.min(...counts)).toBeGreaterThan(800)
  expect(Math.max(...counts)).toBeLessThan(1_200)
})

test('any id comes back as it was, in a form that PostgreSQL takes', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 })
  const halves = fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 })
    .map((codes) => String.fromCharCode(...codes))
  fc.assert(
    fc.property(fc.oneof(text, halves), fc.oneof(text, halves), (one, two) => {
      expect(decodeId(encodeId(one))).toBe(one)
      expect(Buffer.from(encodeId(one)).toString()).toBe(encodeId(one))
      expect(encodeId(one)).not.toContain('\0')
      expect(encodeId(one) === encodeId(two)).toBe(one === two)
    }),
    { numRuns: 2_000 },
  )
})

test('a history is in the order in which it was written, whatever the clocks say', () => {
  const digits = 'f'.repeat(DIGITS_PER_ID)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1_700_000_000_000, max: 1_700_000_600_000 })), (clocks) => {
      let tail = 0
      const ids = clocks.map((now) => entryId((tail = nextTail(tail, now)), digits))
      expect([...ids].sort()).toEqual(ids)
      expect(new Set(ids).size).toBe(ids.length)
    }),
  )
  expect(entryId(1_700_000_000_000_007, digits)).toBe('018bcfe5-6800-7007-bfff-ffffffffffff')
  expect(dayOf(1_700_000_000_000_007)).toBe(19_675)
})
