const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/** A user's place among all, as two numbers: made once for a request, mixed with a seed for each test. */
export interface Point {
  readonly high: number
  readonly low: number
}

/** MurmurHash3 (32 bits, over UTF-16 units) twice: short, the same everywhere, and spread well in every bit. */
export function pointOf(userId: string): Point {
  return { high: murmur(userId, 0x9747b28c), low: murmur(userId, 0x3c6ef372) }
}

/** What tells the draws of one test from those of all others. */
export function seedOf(text: string): number {
  return murmur(text, 0)
}

/** A number in [0, 1) that belongs to the user and the seed alone. */
export function draw({ high, low }: Point, seed: number): number {
  const first = finish(high ^ seed)
  const second = finish(low ^ Math.imul(seed, C1) ^ first)
  return ((first >>> 5) * 0x4000000 + (second >>> 6)) / 0x20000000000000
}

/**
 * Which of several weights wins: with a weight twice as large, twice as often. When one weight grows, users move to it
 * alone (rendezvous hashing, in the weighted form of Schindelhauer and Schomaker).
 * @returns the index; -1 if no weight is above 0
 */
export function pick(point: Point, lots: readonly { readonly seed: number; readonly weight: number }[]): number {
  let winner = -1
  let best = Infinity
  for (let index = 0; index < lots.length; index++) {
    const { seed, weight } = lots[index]!
    if (weight <= 0) continue
    const score = -Math.log(1 - draw(point, seed)) / weight
    if (score < best) {
      best = score
      winner = index
    }
  }
  return winner
}

function murmur(text: string, seed: number): number {
  let hash = seed
  for (let index = 0; index < text.length; index++) {
    let part = Math.imul(text.charCodeAt(index), C1)
    part = Math.imul((part << 15) | (part >>> 17), C2)
    hash ^= part
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64
  }
  return finish(hash ^ text.length)
}

function finish(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
