import { LRUCache } from 'lru-cache'
import type { LoadedRow } from './work.ts'

/** A row as this process last read or wrote it, and how to tell that nobody has written it since. */
export interface RememberedRow extends LoadedRow {
  /** The transaction that wrote it: `xmin`, as text. Together with `tail` no other version of the row has it. */
  readonly version: string
}

/**
 * Rows of profiles, by `keyOf` their app and user id. Each is a guess: whoever decides on it has to write, in the same
 * transaction, on the condition that the row still has this version.
 */
export interface RememberedRows {
  get(key: string): RememberedRow | undefined
  /** @param size characters of the profile's text */
  set(key: string, row: RememberedRow, size: number): void
  forget(key: string): void
  /** Hears whether a remembered row was still the one in the database. */
  note(wasRight: boolean): void
  /** Whether guesses were right often enough of late that it is cheaper to be wrong now and then than to read each row. */
  isWorthIt(): boolean
  /** Asked once for each group: whether it should guess, be it only to find out whether that is worth it again. */
  isTried(): boolean
}

/** On average, over all profiles remembered. Characters. */
const TEXT_EACH = 2_000
/** A wrong guess costs about two of the reads that a right one spares. */
const WRONG_MAX = 0.3
const LAST_NOTES = 256
/** Where guesses are not worth it, one group of so many makes them still, and reads before it decides. */
const GROUPS_PER_TRIAL = 8

/** @param max how many profiles, with texts of 2,000 characters each on average; fewer when they are longer */
export function createRememberedRows(max: number): RememberedRows {
  const rows = new LRUCache<string, RememberedRow>({ max, maxSize: max * TEXT_EACH })
  let wrong = 0
  let groups = 0
  const isWorthIt = () => wrong < WRONG_MAX
  return {
    get: (key) => rows.get(key),
    set: (key, row, size) => void rows.set(key, row, { size: Math.max(1, size) }),
    forget: (key) => void rows.delete(key),
    note(wasRight) {
      wrong += ((wasRight ? 0 : 1) - wrong) / LAST_NOTES
    },
    isWorthIt,
    isTried() {
      groups += 1
      return isWorthIt() || groups % GROUPS_PER_TRIAL === 0
    },
  }
}
