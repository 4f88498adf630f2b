/** What stands in a queue, and who stands before and behind it there. */
export interface Queued<T> {
  before: T | null
  behind: T | null
}

/** Things in the order in which they came; any of them may leave at any time, each once. */
export interface Queue<T> {
  readonly size: number
  readonly first: T | null
  join(one: T): void
  leave(one: T): void
}

/**
 * A linked list, and no `Set`: what went through a `Set` is kept alive by the tables that it had before it last grew. Each of those
 * points to the next, and while one of them is in the old part of the heap, all that follow are copied there with whatever was in them.
 */
export function createQueue<T extends Queued<T>>(): Queue<T> {
  let size = 0
  let first: T | null = null
  let last: T | null = null
  return {
    get size() {
      return size
    },
    get first() {
      return first
    },
    join(one) {
      one.before = last
      if (last === null) first = one
      else last.behind = one
      last = one
      size += 1
    },
    leave(one) {
      const { before, behind } = one
      if (before === null) first = behind
      else before.behind = behind
      if (behind === null) last = before
      else behind.before = before
      one.before = null
      one.behind = null
      size -= 1
    },
  }
}
