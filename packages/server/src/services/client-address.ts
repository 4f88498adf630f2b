import { normaliseAddress } from './addresses.ts'
import type { AddressRanges } from './addresses.ts'

/** What a request says of where it came from. */
export interface Hops {
  /** The other end of the socket; `null` when there is no socket. */
  readonly socketAddress: string | null
  /** `X-Forwarded-For` as it came, repeated headers joined with a comma. */
  readonly forwardedFor: string | undefined
  /** Our own proxies: whom we believe. */
  readonly trustProxy: AddressRanges
}

/**
 * The right-most hop that is not one of our own proxies: each proxy appends the address it saw, so everything further
 * left was written by somebody we do not know. `null` when nobody we trust said who called. Never throws.
 * @source documented: security.md, Input, proxies
 */
export function clientAddress({ socketAddress, forwardedFor, trustProxy }: Hops): string | null {
  let address = socketAddress === null ? null : normaliseAddress(socketAddress)
  let unread = forwardedFor ?? ''
  while (address !== null && unread.trim() !== '' && trustProxy.contains(address)) {
    const comma = unread.lastIndexOf(',')
    address = hopAddress(unread.slice(comma + 1))
    unread = comma === -1 ? '' : unread.slice(0, comma)
  }
  return address
}

/** One element of the header: an address, perhaps quoted, in brackets or with a port. */
function hopAddress(hop: string): string | null {
  const text = hop.trim().replace(/^"(.*)"$/, '$1')
  const bracketed = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)
  const ipv4WithPort = /^([\d.]+):\d{1,5}$/.exec(text)
  return normaliseAddress(bracketed?.[1] ?? ipv4WithPort?.[1] ?? text)
}
