import { compareRates, type Interval, rateOf, type Sample } from '../content/results.ts'
import type { Test } from '../content/snapshot.ts'
import type { RateResult, TestResults, VariantResult } from '../engine/export-jobs.ts'
import type { Counted } from './tally.ts'

/** Of the intervals. */
const LEVEL = 0.95

interface Tally {
  occurrences: number
  users: number
  value: number
  lastUser: string | null
}

interface VariantTally {
  users: number
  readonly events: Map<string, Tally>
}

/** Counts the users of a test by variant, and how many of them had each event; users come one after the other. */
export class TestTally {
  readonly #test: Test
  readonly #variants: ReadonlyMap<number, VariantTally>

  constructor(test: Test) {
    this.#test = test
    this.#variants = new Map(test.variants.map(({ id }) => [id, { users: 0, events: new Map<string, Tally>() }]))
  }

  /** One more user of a variant. @returns whether the test still has that variant */
  enter(variantId: number): boolean {
    const variant = this.#variants.get(variantId)
    if (variant !== undefined) variant.users += 1
    return variant !== undefined
  }

  add(userId: string, { name, value = 0 }: Counted, variantId: number): void {
    const events = this.#variants.get(variantId)?.events
    if (events === undefined) return
    const tally = events.get(name) ?? { occurrences: 0, users: 0, value: 0, lastUser: null }
    events.set(name, tally)
    tally.occurrences += 1
    tally.value += value
    if (tally.lastUser !== userId) tally.users += 1
    tally.lastUser = userId
  }

  /** Every variant is told of every event that anybody had; each but the first is compared with the first. */
  results(): TestResults {
    const names = new Set([...this.#variants.values()].flatMap(({ events }) => [...events.keys()]))
    const [first] = this.#test.variants
    return {
      abTestId: this.#test.id,
      level: LEVEL,
      variants: this.#test.variants.map(({ id, name }) => ({
        id,
        name,
        users: this.#variants.get(id)?.users ?? 0,
        events: Object.fromEntries([...names].sort().map((event) => [event, this.#result(event, id, first!.id)])),
      })),
    }
  }

  #result(event: string, variantId: number, firstId: number): VariantResult {
    const tally = this.#variants.get(variantId)?.events.get(event)
    const sample = this.#sample(event, variantId)
    const { occurrences = 0, value = 0 } = tally ?? {}
    const told = { occurrences, uniqueUsers: sample.conversions, value, ...rateResult(rateOf(sample, LEVEL)) }
    if (variantId === firstId) return told
    const { difference, pValue } = compareRates(this.#sample(event, firstId), sample, LEVEL)
    return { ...told, difference: rateResult(difference), pValue }
  }

  #sample(event: string, variantId: number): Sample {
    const variant = this.#variants.get(variantId)
    return { users: variant?.users ?? 0, conversions: variant?.events.get(event)?.users ?? 0 }
  }
}

function rateResult({ rate, low, high }: Interval & { readonly rate: number }): RateResult {
  return { rate, low, high }
}
