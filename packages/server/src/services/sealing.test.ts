import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSealer } from './sealing.ts'

const KEY = 'k'.repeat(32)
const OTHER = 'o'.repeat(32)
const broken = expect.objectContaining({ code: 'SEAL_BROKEN' })

test('what is sealed can be opened at its place, and nowhere else', () => {
  const sealer = createSealer([KEY])
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.string()), (text, place) => {
      const sealed = sealer.seal(place, text)
      expect(sealed).not.toBe(sealer.seal(place, text))
      expect(sealer.open(place, sealed)).toBe(text)
      expect(() => sealer.open([...place, ''], sealed)).toThrow(broken)
    }),
  )
})

test('of what was sealed, no bit can be changed', () => {
  const sealer = createSealer([KEY])
  const bytes = Buffer.from(sealer.seal(['a'], 'secret'), 'base64url')
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    expect(() => sealer.open(['a'], changed.toString('base64url'))).toThrow(broken)
  }
  for (const cut of ['', 'AAAA', bytes.subarray(0, 27).toString('base64url')])
    expect(() => sealer.open(['a'], cut)).toThrow(broken)
})

test('a key that is replaced opens what it has sealed while it is kept beside the new one', () => {
  const sealed = createSealer([OTHER]).seal(['a'], 'secret')
  expect(createSealer([KEY, OTHER]).open(['a'], sealed)).toBe('secret')
  expect(() => createSealer([KEY]).open(['a'], sealed)).toThrow(broken)
  expect(() => createSealer(['short'])).toThrow(expect.objectContaining({ code: 'MASTER_KEY_INVALID' }))
})
