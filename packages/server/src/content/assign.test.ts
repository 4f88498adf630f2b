import { describe, expect, test } from 'vitest'
import { emptyProfile } from '../engine/draft.ts'
import { draw, pointOf, seedOf } from './assign.ts'
import { compareRates } from './results.ts'
import { compileContent } from './snapshot.ts'
import type { TestSource } from './source.ts'
import { variantsFor } from './tests.ts'

const NOW = 1_700_000_000_000
const USERS = Array.from({ length: 100_000 }, (_, index) => `user-${index}`)

const tested = (tests: Readonly<Record<string, Partial<TestSource>>>) =>
  compileContent(
    new Map(
      Object.entries(tests).map(([id, test]) => [`tests/${id}`, { name: id, state: 'running', variants: {}, ...test }]),
    ),
  )

/** Which variant of one test each user gets; 0: none. */
function split(content: ReturnType<typeof tested>, testId: number, users = USERS): number[] {
  return users.map((id) => {
    const given = variantsFor(content, emptyProfile(id, NOW), NOW)
    return given.find(({ variant }) => variant.testId === testId)?.variant.id ?? 0
  })
}

const countOf = (split: readonly number[], variant: number) => split.filter((one) => one === variant).length

/** How far a count may be from its share of all: three standard deviations. */
function expectWithin3Sigma(count: number, share: number, of = USERS.length): void {
  expect(Math.abs(count - of * share)).toBeLessThanOrEqual(3 * Math.sqrt(of * share * (1 - share)))
}

const three = { 1: { name: 'a', weight: 50 }, 2: { name: 'b', weight: 30 }, 3: { name: 'c', weight: 20 } }
const two = { 1: { name: 'a' }, 2: { name: 'b' } }

describe('a hundred thousand users', () => {
  test('are split as the percentages say, within three standard deviations', () => {
    const found = split(tested({ 7: { variants: three, percent: 40 } }), 7)
    for (const [variant, share] of [
      [0, 0.6],
      [1, 0.2],
      [2, 0.12],
      [3, 0.08],
    ] as const) {
      expectWithin3Sigma(countOf(found, variant), share)
    }
  })

  test('get the same from content compiled anew, and from the same numbers on any machine', () => {
    const source = { 7: { variants: three, percent: 40 } }
    expect(split(tested(source), 7)).toEqual(split(tested(source), 7))
    // Written down once: another version or another machine must come to the same.
    expect(split(tested(source), 7, USERS.slice(0, 24)).join('')).toBe(PINNED)
  })

  test('keep theirs when other tests are added, and those split them anew', () => {
    const alone = split(tested({ 7: { variants: two } }), 7)
    const all = tested({ 6: { variants: two }, 7: { variants: two }, 8: { variants: two, percent: 50 } })
    expect(split(all, 7)).toEqual(alone)
    const other = split(all, 6)
    const both = alone.filter((variant, index) => variant === 1 && other[index] === 1).length
    expectWithin3Sigma(both, 0.25)
  })

  test('are moved from 10 % to 20 % only by being added', () => {
    const tenth = split(tested({ 7: { variants: three, percent: 10 } }), 7)
    const fifth = split(tested({ 7: { variants: three, percent: 20 } }), 7)
    const moved = tenth.filter((variant, index) => variant !== fifth[index])
    expect(moved.every((variant) => variant === 0)).toBe(true)
    expectWithin3Sigma(moved.length, 0.1)
  })

  test('move only to the variant whose weight grows', () => {
    const before = split(tested({ 7: { variants: three } }), 7)
    const after = split(tested({ 7: { variants: { ...three, 2: { name: 'b', weight: 60 } } } }), 7)
    const moved = after.filter((variant, index) => variant !== before[index])
    expect(moved.length).toBeGreaterThan(0)
    expect(moved.every((variant) => variant === 2)).toBe(true)
  })
})

test('draws are spread evenly: a thousand boxes of a hundred thousand users pass a chi-squared test', () => {
  const boxes = new Array<number>(1000).fill(0)
  for (const id of USERS) boxes[Math.floor(draw(pointOf(id), seedOf('7')) * 1000)]! += 1
  const chiSquared = boxes.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0)
  // 999 degrees of freedom: mean 999, standard deviation 44.7.
  expect(Math.abs(chiSquared - 999)).toBeLessThan(3 * 44.7)
})

test('of a thousand A/A tests as many find a difference as the level says', () => {
  const users = USERS.slice(0, 4_000)
  const converts = users.map((id) => draw(pointOf(id), seedOf('conversion')) < 0.2)
  let found = 0
  for (let testId = 1; testId <= 1000; testId++) {
    const variants = split(
      tested({ [testId]: { variants: { 1: { name: 'a' }, 2: { name: 'a too' } } } }),
      testId,
      users,
    )
    const [a, b] = [1, 2].map((variant) => ({
      users: countOf(variants, variant),
      conversions: variants.filter((one, index) => one === variant && converts[index]).length,
    }))
    if (compareRates(a!, b!, 0.95).pValue < 0.05) found += 1
  }
  expectWithin3Sigma(found, 0.05, 1000)
}, 60_000)

const PINNED = '020030020002020100000101'
