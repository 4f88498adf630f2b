// oxlint-disable-next-line typescript/triple-slash-reference -- declares a package without types: there is nothing to import
/// <reference path="./jstat.d.ts" />
import jStat from 'jstat'

/** How many users a variant had, and how many of them did what was hoped for. */
export interface Sample {
  readonly users: number
  readonly conversions: number
}

export interface Interval {
  readonly low: number
  readonly high: number
}

export interface Rate extends Interval {
  readonly rate: number
}

export interface Comparison {
  /** The difference of the rates, the second less the first, with its interval. */
  readonly difference: Rate
  /** How often a difference this large is seen when there is none. */
  readonly pValue: number
}

/**
 * A share with its confidence interval by Wilson's score, which is right for small samples and rates near 0 and 1.
 * @throws {RangeError} more conversions than users, or a level that is not between 0 and 1
 */
export function rateOf({ users, conversions }: Sample, level: number): Rate {
  check({ users, conversions }, level)
  if (users === 0) return { rate: 0, low: 0, high: 1 }
  const z = quantileOf(level)
  const rate = conversions / users
  const scale = 1 + z ** 2 / users
  const middle = (rate + z ** 2 / (2 * users)) / scale
  const half = (z / scale) * Math.sqrt((rate * (1 - rate)) / users + z ** 2 / (4 * users ** 2))
  return { rate, low: Math.max(0, middle - half), high: Math.min(1, middle + half) }
}

/**
 * Two variants compared: the interval of the difference by Newcombe's method, which joins the two Wilson intervals; the
 * p-value by the two-sided z-test with the pooled rate.
 */
export function compareRates(first: Sample, second: Sample, level: number): Comparison {
  const one = rateOf(first, level)
  const other = rateOf(second, level)
  const rate = other.rate - one.rate
  const low = rate - Math.hypot(other.rate - other.low, one.high - one.rate)
  const high = rate + Math.hypot(other.high - other.rate, one.rate - one.low)
  return { difference: { rate, low, high }, pValue: pValueOf(first, second, rate) }
}

function pValueOf(first: Sample, second: Sample, difference: number): number {
  if (first.users === 0 || second.users === 0) return 1
  const pooled = (first.conversions + second.conversions) / (first.users + second.users)
  const deviation = Math.sqrt(pooled * (1 - pooled) * (1 / first.users + 1 / second.users))
  return deviation === 0 ? 1 : 2 * jStat.normal.cdf(-Math.abs(difference) / deviation, 0, 1)
}

/** 1.96 for 95 %. */
function quantileOf(level: number): number {
  return jStat.normal.inv(1 - (1 - level) / 2, 0, 1)
}

function check({ users, conversions }: Sample, level: number): void {
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0
  if (!isCount(users) || !isCount(conversions) || conversions > users)
    throw new RangeError(`Expected 0 to ${users} conversions of so many users, but found ${conversions}.`)
  if (!(level > 0 && level < 1)) throw new RangeError(`Expected a level between 0 and 1, but found ${level}.`)
}
