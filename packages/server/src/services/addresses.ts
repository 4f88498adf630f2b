import { DamsonError } from '@damson/core'
import { BlockList, isIP, isIPv4 } from 'node:net'

/** A set of addresses, asked one at a time. What is not an address is in no set. */
export interface AddressRanges {
  contains(address: string): boolean
}

/** Words an operator may write instead of CIDR ranges. */
const NAMED_RANGES: ReadonlyMap<string, readonly string[]> = new Map([
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']],
])

/**
 * Everything that is not public unicast.
 * @source documented: IANA special-purpose address registries for IPv4 and IPv6
 */
const NOT_PUBLIC_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]
/** Global unicast is 2000::/3 and nothing else; these parts of it are tunnels, protocol assignments and examples. */
const GLOBAL_UNICAST_IPV6 = '2000::/3'
const NOT_PUBLIC_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']

/**
 * Compiles CIDR ranges, single addresses and the words `loopback` and `private`.
 * @throws {DamsonError} ADDRESS_RANGE_INVALID when one of them is none of these
 */
export function addressRanges(ranges: readonly string[]): AddressRanges {
  const list = new BlockList()
  for (const range of ranges.flatMap((word) => NAMED_RANGES.get(word) ?? [word])) addRange(list, range)
  return {
    contains: (text) => {
      const address = normaliseAddress(text)
      return address !== null && list.check(address, familyOf(address))
    },
  }
}

const notPublicIpv4 = addressRanges(NOT_PUBLIC_IPV4)
const notPublicIpv6 = addressRanges(NOT_PUBLIC_IPV6)
const globalUnicastIpv6 = addressRanges([GLOBAL_UNICAST_IPV6])

/** Whether an address belongs to one machine of the public internet. What is not an address does not. */
export function isPublicUnicast(text: string): boolean {
  const address = normaliseAddress(text)
  if (address === null) return false
  if (isIPv4(address)) return !notPublicIpv4.contains(address)
  return globalUnicastIpv6.contains(address) && !notPublicIpv6.contains(address)
}

/**
 * One spelling per address: IPv6 shortened and in lower case, without its zone; IPv4 mapped into IPv6 (`::ffff:1.2.3.4`)
 * as the IPv4 address it is. `null` when the text is not an address.
 */
export function normaliseAddress(text: string): string | null {
  const family = isIP(text)
  if (family === 0) return null
  if (family === 4) return text
  const [withoutZone = ''] = text.split('%')
  const shortened = new URL(`http://[${withoutZone}]/`).hostname.slice(1, -1)
  return mappedIpv4(shortened) ?? shortened
}

/** The words of an IPv4-mapped address are hexadecimal once WHATWG URL has written it: `::ffff:7f00:1`. */
function mappedIpv4(address: string): string | null {
  const words = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address)
  if (words === null) return null
  const [high, low] = [Number.parseInt(words[1] ?? '', 16), Number.parseInt(words[2] ?? '', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function addRange(list: BlockList, range: string): void {
  const [, written = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(range) ?? []
  const address = isIP(written) === 0 || written.includes('%') ? null : normaliseAddress(written)
  if (address === null) throw invalidRange(range)
  const family = familyOf(address)
  const width = family === 'ipv4' ? 32 : 128
  // `::ffff:10.0.0.0/104` counts its bits in another width than the address it means.
  if (bits !== undefined && (Number(bits) > width || isIP(written) !== isIP(address))) throw invalidRange(range)
  list.addSubnet(address, bits === undefined ? width : Number(bits), family)
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6'
}

function invalidRange(range: string): DamsonError {
  return new DamsonError(
    'ADDRESS_RANGE_INVALID',
    `Expected a CIDR range such as 10.0.0.0/8 or 2001:db8::/32, an address, 'loopback' or 'private'; found '${range}'.`,
  )
}
