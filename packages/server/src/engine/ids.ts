/** Where randomness comes from. Bytes fit for secrets. */
export interface Random {
  bytes(length: number): Uint8Array
}

/** Drawn at once: eight bytes at a time took an eighth of what the `start` of somebody new takes. */
const POOL_BYTES = 1_024
const POOLED_MAX = 32

/**
 * Draws many bytes at once and cuts off what is asked for; what was given out is wiped, and nothing is given out twice.
 * @param fill fills with bytes fit for secrets
 */
export function pooledRandom(fill: (bytes: Uint8Array<ArrayBuffer>) => void): Random {
  const pool = new Uint8Array(POOL_BYTES)
  let used = POOL_BYTES
  return {
    bytes(length) {
      if (length > POOLED_MAX) {
        const own = new Uint8Array(length)
        fill(own)
        return own
      }
      if (used + length > POOL_BYTES) {
        fill(pool)
        used = 0
      }
      const cut = pool.slice(used, used + length)
      pool.fill(0, used, used + length)
      used += length
      return cut
    },
  }
}

/** The platform's own. */
export const systemRandom: Random = pooledRandom((bytes) => void crypto.getRandomValues(bytes))

/**
 * Ids of sessions, states and offline records: random positive 64-bit integers as decimal text (specification 6.2).
 * A reducer is given an id before it is known whether it will be used: `peek` gives the same one until `take` uses it.
 */
export class IdSource {
  readonly #random: Random
  #next: string | null = null

  constructor(random: Random) {
    this.#random = random
  }

  peek(): string {
    this.#next ??= this.#make()
    return this.#next
  }

  take(): string {
    const id = this.peek()
    this.#next = null
    return id
  }

  #make(): string {
    const bytes = this.#random.bytes(8)
    const view = new DataView(bytes.buffer, bytes.byteOffset, 8)
    const id = view.getBigUint64(0) & 0x7fff_ffff_ffff_ffffn
    return (id === 0n ? 1n : id).toString()
  }
}
