import { HOUR_MS } from '@damson/core'
import type { Clock, EpochMs } from '@damson/core'
import type { Logger } from '../logger.ts'
import { isCurrency } from './currencies.ts'
import type { RateProvider, RateTable } from './rates.ts'

export interface MoneyOptions {
  readonly provider: RateProvider
  readonly clock: Clock
  readonly logger: Logger
  /** How often rates are asked for. @source documented: specification 7.3, hourly */
  readonly refreshMs?: number
  /** Runs `task` every so many milliseconds until the returned function is called. */
  readonly every?: (periodMs: number, task: () => void) => () => void
}

export interface RatesStatus {
  /** The day or instant the source gives its rates for; `null` when it does not say. */
  readonly asOf: EpochMs | null
  /** When they were fetched. */
  readonly fetchedAt: EpochMs
}

export interface Money {
  /**
   * An amount in major units (12.34 is twelve dollars and 34 cents), converted by the last known rates and not rounded.
   * Never waits. Codes may be in any case; the same known code on both sides needs no rate. Zero stays zero, a negative
   * amount (a refund) stays negative. `null` when a code is unknown, has no rate, or the amount is no finite number.
   * @source documented: specification 7.3 (F-59)
   */
  convert(value: number, from: string, to: string): { readonly value: number } | null
  /** What the rates in use are; `null` until there are any. */
  status(): RatesStatus | null
  /** Fetches now, or joins the fetch under way. Whether new rates came; failures are logged and never thrown. */
  refresh(): Promise<boolean>
  /** Fetches now and then every `refreshMs`; settles with the first fetch, which nobody needs to wait for. */
  start(): Promise<void>
  /** No fetch begins after it; one under way is waited for. */
  stop(): Promise<void>
}

/** Converts money by rates that are renewed behind its back: a failing or slow provider leaves the last known ones. */
export function createMoney(options: MoneyOptions): Money {
  const { provider, clock, logger, refreshMs = HOUR_MS, every = everyUnreferenced } = options
  let table: RateTable | null = null
  let fetchedAt: EpochMs = 0
  let underWay: Promise<boolean> | null = null
  let stopTimer: (() => void) | null = null

  async function fetchRates(): Promise<boolean> {
    try {
      table = await provider.fetchRates()
      fetchedAt = clock.now()
      return true
    } catch (err) {
      logger.warn({ err, lastKnownAsOf: table?.asOf ?? null }, 'currency rates could not be renewed')
      return false
    }
  }

  const refresh = () =>
    (underWay ??= fetchRates().finally(() => {
      underWay = null
    }))

  return {
    convert: (value, from, to) => convert(table, value, from.toUpperCase(), to.toUpperCase()),
    status: () => table && { asOf: table.asOf, fetchedAt },
    refresh,
    start: async () => {
      stopTimer ??= every(refreshMs, () => void refresh())
      await refresh()
    },
    stop: async () => {
      stopTimer?.()
      stopTimer = null
      await underWay
    },
  }
}

function convert(table: RateTable | null, value: number, from: string, to: string): { value: number } | null {
  if (!Number.isFinite(value) || !isCurrency(from) || !isCurrency(to)) return null
  const rate = from === to ? 1 : crossRate(table, from, to)
  if (rate === null) return null
  const converted = value * rate
  // A product beyond the largest number is no amount; adding zero turns -0 into 0.
  return Number.isFinite(converted) ? { value: converted + 0 } : null
}

function crossRate(table: RateTable | null, from: string, to: string): number | null {
  const [perBaseFrom, perBaseTo] = [table?.rates.get(from), table?.rates.get(to)]
  return perBaseFrom === undefined || perBaseTo === undefined ? null : perBaseTo / perBaseFrom
}

function everyUnreferenced(periodMs: number, task: () => void): () => void {
  const timer = setInterval(task, periodMs).unref()
  return () => {
    clearInterval(timer)
  }
}
