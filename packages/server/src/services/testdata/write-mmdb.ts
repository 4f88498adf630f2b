import { isIPv4 } from 'node:net'

/** What MMDB maps hold, as far as tests need it. */
export type MmdbValue = string | number | readonly MmdbValue[] | { readonly [key: string]: MmdbValue }

type Branch = Node | number | null
interface Node {
  readonly children: [Branch, Branch]
}

/**
 * Writes a database in the MaxMind DB format 2.0 with 24-bit records, so that tests need nobody's data.
 * IPv4 networks of an IPv6 database lie under ::/96, as in GeoLite2.
 * @see https://maxmind.github.io/MaxMind-DB/
 */
export function writeMmdb(ipVersion: 4 | 6, type: string, networks: Readonly<Record<string, MmdbValue>>): Buffer {
  const root: Node = { children: [null, null] }
  const records: Buffer[] = []
  let dataLength = 0
  for (const [network, value] of Object.entries(networks)) {
    insert(root, bitsOf(network, ipVersion), dataLength)
    const record = encode(value)
    records.push(record)
    dataLength += record.length
  }
  const nodes = inOrder(root)
  return Buffer.concat([
    ...nodes.map((node) => writeNode(node, nodes)),
    Buffer.alloc(16),
    ...records,
    Buffer.from('abcdef4d61784d696e642e636f6d', 'hex'),
    encode({
      node_count: nodes.length,
      record_size: 24,
      ip_version: ipVersion,
      database_type: type,
      languages: ['en'],
      binary_format_major_version: 2,
      binary_format_minor_version: 0,
      build_epoch: 1_700_000_000,
      description: { en: 'Written by a test' },
    }),
  ])
}

function bitsOf(network: string, ipVersion: 4 | 6): string {
  const [address = '', length] = network.split('/')
  const words = isIPv4(address) ? address.split('.').map((byte) => binary(Number(byte), 8)) : ipv6Words(address)
  const bits = words.join('').slice(0, Number(length))
  return ipVersion === 6 && isIPv4(address) ? '0'.repeat(96) + bits : bits
}

function ipv6Words(address: string): string[] {
  const [head = '', tail = ''] = address.split('::')
  const [front, back] = [head, tail].map((part) => (part === '' ? [] : part.split(':'))) as [string[], string[]]
  const middle = Array.from({ length: 8 - front.length - back.length }, () => '0')
  return [...front, ...middle, ...back].map((word) => binary(Number.parseInt(word, 16), 16))
}

const binary = (value: number, width: number) => value.toString(2).padStart(width, '0')

function insert(root: Node, bits: string, offset: number): void {
  let node = root
  for (const bit of bits.slice(0, -1)) {
    const existing = node.children[bit === '1' ? 1 : 0]
    const next: Node = existing !== null && typeof existing === 'object' ? existing : { children: [null, null] }
    node.children[bit === '1' ? 1 : 0] = next
    node = next
  }
  node.children[bits.endsWith('1') ? 1 : 0] = offset
}

function inOrder(node: Node): Node[] {
  return [
    node,
    ...node.children.flatMap((child) => (child !== null && typeof child === 'object' ? inOrder(child) : [])),
  ]
}

/** A record is a node's number, `nodeCount` for nothing, or beyond it the place in the data section. */
function writeNode(node: Node, nodes: readonly Node[]): Buffer {
  const buffer = Buffer.alloc(6)
  for (const [side, child] of node.children.entries()) {
    const isData = typeof child === 'number'
    const record = child === null ? nodes.length : isData ? nodes.length + 16 + child : nodes.indexOf(child)
    buffer.writeUIntBE(record, side * 3, 3)
  }
  return buffer
}

function encode(value: MmdbValue): Buffer {
  if (typeof value === 'string') return typed(2, Buffer.from(value))
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encode)])
  if (typeof value === 'object')
    return Buffer.concat([
      control(7, Object.keys(value).length),
      ...Object.entries(value).flatMap(([key, entry]) => [encode(key), encode(entry)]),
    ])
  const number = Buffer.alloc(8)
  if (Number.isInteger(value) && value >= 0) {
    number.writeUInt32BE(value)
    return typed(6, number.subarray(0, 4))
  }
  number.writeDoubleBE(value)
  return typed(3, number)
}

const typed = (type: number, bytes: Buffer) => Buffer.concat([control(type, bytes.length), bytes])

/** Type and size in one byte; types beyond 7 and sizes beyond 28 need a second one. */
function control(type: number, size: number): Buffer {
  const [sizeBits, more] = size < 29 ? [size, []] : [29, [size - 29]]
  return Buffer.from(type > 7 ? [sizeBits, type - 7, ...more] : [(type << 5) | sizeBits, ...more])
}
