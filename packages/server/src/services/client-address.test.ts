import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressRanges } from './addresses.ts'
import { clientAddress } from './client-address.ts'

/** Text of any UTF-16 units, lone surrogates and control characters among them. */
const anyText = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) })

const trustProxy = addressRanges(['loopback', '10.0.0.0/8', '2001:db8:aa::/48'])
const behindProxy = (forwardedFor: string | undefined, socketAddress: string | null = '10.0.0.1') =>
  clientAddress({ socketAddress, forwardedFor, trustProxy })

describe('who is calling', () => {
  test('without a proxy it is the socket, whatever the header says', () => {
    expect(behindProxy('1.1.1.1, 10.0.0.9', '198.51.100.4')).toBe('198.51.100.4')
  })

  test('with no proxy trusted the header is never read', () => {
    const nobody = addressRanges([])
    expect(clientAddress({ socketAddress: '127.0.0.1', forwardedFor: '1.1.1.1', trustProxy: nobody })).toBe('127.0.0.1')
  })

  test('behind one proxy it is the last address of the header', () => {
    expect(behindProxy('203.0.113.9')).toBe('203.0.113.9')
  })

  test('what the caller wrote into the header itself is left of the answer', () => {
    expect(behindProxy('8.8.8.8, 203.0.113.9')).toBe('203.0.113.9')
    expect(behindProxy('127.0.0.1, 10.0.0.5, 203.0.113.9')).toBe('203.0.113.9')
  })

  test('two proxies of ours are both passed over', () => {
    expect(behindProxy('8.8.8.8, 203.0.113.9, 10.2.3.4')).toBe('203.0.113.9')
  })

  test('a call from inside our own network is the left-most hop', () => {
    expect(behindProxy('10.7.7.7, 10.2.3.4')).toBe('10.7.7.7')
    expect(behindProxy(undefined)).toBe('10.0.0.1')
    expect(behindProxy('  ')).toBe('10.0.0.1')
  })

  test('without a socket nobody we trust has said anything', () => {
    expect(behindProxy('203.0.113.9', null)).toBeNull()
  })

  test.each([
    ['203.0.113.9:51234', '203.0.113.9'],
    ['[2606:4700::1]:443', '2606:4700::1'],
    ['"[2606:4700::1]:443"', '2606:4700::1'],
    ['2606:4700:0:0::1', '2606:4700::1'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['203.0.113.9, ::ffff:10.1.1.1', '203.0.113.9'],
    ['203.0.113.9,2001:db8:aa::5', '203.0.113.9'],
  ])('%s means %s', (header, address) => {
    expect(behindProxy(header)).toBe(address)
  })

  test('a mapped socket address is the IPv4 address it maps', () => {
    expect(behindProxy('203.0.113.9', '::ffff:10.0.0.1')).toBe('203.0.113.9')
  })

  test.each(['unknown', '_hidden', '1.2.3', '203.0.113.9, ', '203.0.113.9:', '[::1', '%', '1.2.3.4, <script>'])(
    "'%s' names nobody",
    (header) => {
      expect(behindProxy(header)).toBeNull()
    },
  )

  test('no header can make an untrusted hop appear further left than it stands', () => {
    fc.assert(
      fc.property(fc.string(), fc.ipV4(), (spoofed, real) => {
        fc.pre(!trustProxy.contains(real))
        expect(behindProxy(`${spoofed}, ${real}`)).toBe(real)
      }),
    )
  })

  test('garbage never throws', () => {
    fc.assert(
      fc.property(anyText, fc.option(fc.string()), (header, socketAddress) => {
        expect(() => behindProxy(header, socketAddress)).not.toThrow()
      }),
    )
  })
})
