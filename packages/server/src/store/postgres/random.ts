import { randomBytes } from 'node:crypto'

const DRAWN_AT_ONCE = 8_192

/**
 * Random hexadecimal digits, so many `each` time. They are drawn many at once: a draw for each entry took a sixteenth of the
 * process. None is given out twice.
 */
export function pooledDigits(each: number): () => string {
  let pool = ''
  let used = 0

  return () => {
    if (used + each > pool.length) {
      pool = randomBytes(DRAWN_AT_ONCE).toString('hex')
      used = 0
    }
    used += each
    return pool.slice(used - each, used)
  }
}
