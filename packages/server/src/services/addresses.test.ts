import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressRanges, isPublicUnicast, normaliseAddress } from './addresses.ts'

describe('one spelling per address', () => {
  test.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::FFFF:203.0.113.7', '203.0.113.7'],
    ['0:0:0:0:0:ffff:cb00:7107', '203.0.113.7'],
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:0:1', '0.0.0.1'],
  ])('%s is %s', (written, normal) => {
    expect(normaliseAddress(written)).toBe(normal)
  })

  test.each(['', 'localhost', '1.2.3', '1.2.3.4:80', '[::1]', '01.2.3.4', '1.2.3.4 ', 'unknown', '::g', '0x7f000001'])(
    "'%s' is not an address",
    (written) => {
      expect(normaliseAddress(written)).toBeNull()
      expect(isPublicUnicast(written)).toBe(false)
    },
  )

  test('normalising twice says the same', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (written) => {
        const once = normaliseAddress(written)
        expect(once).not.toBeNull()
        expect(normaliseAddress(once ?? '')).toBe(once)
      }),
    )
  })
})

describe('public unicast', () => {
  test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '::ffff:8.8.8.8'])(
    '%s is public',
    (address) => {
      expect(isPublicUnicast(address)).toBe(true)
    },
  )

  const notPublic = `
    0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.31.255.255 192.0.0.1 192.0.2.1
    192.88.99.1 192.168.0.1 198.19.255.255 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1
    ::ffff:127.0.0.1 ::7f00:1 fe80::1 fec0::1 fc00::1 fd12:3456::1 ff02::1 64:ff9b::7f00:1 2001::1
    2001:db8::1 2002:7f00:1:: 3fff::1 4000::1
  `
  test.each(notPublic.trim().split(/\s+/))('%s is not', (address) => {
    expect(isPublicUnicast(address)).toBe(false)
  })
})

describe('ranges', () => {
  test('a range holds its first and its last address and neither neighbour', () => {
    const ranges = addressRanges(['10.1.0.0/16', '2001:db8:1::/48'])
    for (const inside of ['10.1.0.0', '10.1.255.255', '::ffff:10.1.2.3', '2001:db8:1::', '2001:db8:1:ffff::1'])
      expect(ranges.contains(inside)).toBe(true)
    for (const outside of ['10.0.255.255', '10.2.0.0', '2001:db8:2::', '2001:db8:0:ffff::', 'nonsense'])
      expect(ranges.contains(outside)).toBe(false)
  })

  test('words stand for their ranges', () => {
    const ranges = addressRanges(['loopback', 'private'])
    for (const inside of ['127.9.9.9', '::1', '10.0.0.1', '172.20.0.1', '192.168.1.1', 'fd00::1'])
      expect(ranges.contains(inside)).toBe(true)
    expect(ranges.contains('169.254.0.1')).toBe(false)
  })

  test('a single address is a range of one', () => {
    const ranges = addressRanges(['192.0.2.7'])
    expect(ranges.contains('192.0.2.7')).toBe(true)
    expect(ranges.contains('192.0.2.8')).toBe(false)
  })

  test.each([
    '',
    'lan',
    '10.0.0.0/33',
    '10.0.0.0/',
    '10.0/8',
    '::/129',
    '::ffff:10.0.0.0/104',
    'fe80::1%1/64',
    '1.2.3.4/-1',
  ])("'%s' is refused with the way out", (range) => {
    expect(() => addressRanges([range])).toThrow(/Expected a CIDR range/)
  })

  test('words that every object knows are not ranges', () => {
    expect(() => addressRanges(['constructor'])).toThrow(/Expected a CIDR range/)
  })
})
