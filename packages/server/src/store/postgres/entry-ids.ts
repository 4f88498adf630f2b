import { DAY_MS, type EpochMs } from '@damson/core'

/** How many times one profile may be written in one millisecond before its time runs ahead of the clock. */
const PER_MS = 1_000

/**
 * The time of a profile's next change and of the entry that goes with it, in thousandths of a millisecond: that of the
 * clock, but always later than the last one. So a history is in the order in which it was written, whatever the clocks of
 * the nodes that wrote it say.
 */
export function nextTail(tail: number, now: EpochMs): number {
  return Math.max(tail + 1, now * PER_MS)
}

export function dayOf(tail: number): number {
  return Math.floor(tail / PER_MS / DAY_MS)
}

/** Random hexadecimal digits that an id takes. */
export const DIGITS_PER_ID = 16
const VARIANTS = '89ab'

/**
 * A UUID version 7: 48 bits of milliseconds, 12 of what is left of the time, the rest random.
 * @param digits `DIGITS_PER_ID` of them, random
 */
export function entryId(tail: number, digits: string): string {
  const time = Math.floor(tail / PER_MS)
    .toString(16)
    .padStart(12, '0')
  const rest = (tail % PER_MS).toString(16).padStart(3, '0')
  const variant = VARIANTS[Number.parseInt(digits.charAt(0), 16) % VARIANTS.length]
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest}-${variant}${digits.slice(1, 4)}-${digits.slice(4)}`
}
