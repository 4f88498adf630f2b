import type { Group } from './group.ts'

/** Something that may hold changes which are not durable yet. */
export interface Pinnable {
  /** The last group that wrote it; `null` when what it says is durable. */
  group: Group | null
  /** It was asked for since the shelf last thought of dropping it. */
  isWanted?: boolean
}

/** A bounded cache in which nothing is dropped that the medium does not have yet. */
export interface Shelf<K extends string | number, V extends Pinnable> {
  get(key: K): V | undefined
  /** Adds a value as the medium has it. */
  put(key: K, value: V): void
  /** Adds or keeps a value that `group` will write. */
  pin(key: K, value: V, group: Group): void
  /** `group` is durable: what it was the last to write may be dropped when there is need. */
  unpin(key: K, group: Group): void
  remove(key: K): void
  clear(): void
}

/**
 * Drops by second chance: whatever is oldest goes, unless it was asked for since it last came to be the oldest. Looking
 * something up is then one look into a map and moves nothing, which counts where each request does it several times.
 */
export function createShelf<K extends string | number, V extends Pinnable>(max: number): Shelf<K, V> {
  const loose = new Map<K, V>()
  const pinned = new Map<K, V>()

  function lay(key: K, value: V): void {
    // Whoever lays it down is about to use it.
    value.isWanted = true
    loose.set(key, value)
    if (loose.size <= max) return
    for (const [oldest, candidate] of loose) {
      loose.delete(oldest)
      if (candidate.isWanted !== true) return
      candidate.isWanted = false
      loose.set(oldest, candidate)
    }
  }

  return {
    get(key) {
      const value = loose.get(key)
      if (value === undefined) return pinned.get(key)
      value.isWanted = true
      return value
    },
    put: lay,
    pin(key, value, group) {
      value.group = group
      loose.delete(key)
      pinned.set(key, value)
    },
    unpin(key, group) {
      const value = pinned.get(key)
      if (value?.group !== group) return
      value.group = null
      pinned.delete(key)
      lay(key, value)
    },
    remove(key) {
      loose.delete(key)
      pinned.delete(key)
    },
    clear() {
      loose.clear()
      pinned.clear()
    },
  }
}
