/** Where randomness comes from. Bytes fit for secrets. */
export interface Random {
  bytes(length: number): Uint8Array
}

/** The platform's own. */
export const systemRandom: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) }

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
