import fc from 'fast-check'
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { silentLogger } from '../logger.ts'
import { createMoney } from './money.ts'
import type { MoneyOptions } from './money.ts'
import { fixedRates, parseEcbRates } from './rates.ts'
import type { RateProvider, RateTable } from './rates.ts'

const published = parseEcbRates(await readFile(new URL('./testdata/ecb-2013-01-28.xml', import.meta.url), 'utf8'))

const moneyOf = (provider: RateProvider, options: Partial<MoneyOptions> = {}) =>
  createMoney({ provider, clock: { now: () => 1_000 }, logger: silentLogger, ...options })

async function started(provider: RateProvider, options: Partial<MoneyOptions> = {}) {
  const money = moneyOf(provider, { every: () => () => {}, ...options })
  await money.start()
  return money
}

const ecb = await started({ fetchRates: async () => published })

describe('conversion by the published rates of 28 January 2013', () => {
  test('a euro is what the ECB says it is, in every currency', () => {
    expect(published.rates.size).toBeGreaterThan(30)
    for (const [code, rate] of published.rates) {
      expect(ecb.convert(1, 'EUR', code)).toEqual({ value: rate })
      expect(ecb.convert(rate, code, 'EUR')?.value).toBeCloseTo(1, 12)
    }
  })

  // Worked out with bc from the published rates alone; fifteen digits of it.
  test.each([
    [100, 'USD', 'EUR', 74.3826242189824],
    [100, 'USD', 'JPY', 9090.30050580184],
    [19.99, 'GBP', 'CHF', 29.1767442949093],
    [-12.5, 'DKK', 'SEK', -14.5069030225856],
    [1_000_000, 'IDR', 'USD', 103.323267948037],
  ])('%d %s in %s is %d', (value, from, to, expected) => {
    const converted = ecb.convert(value, from, to)?.value ?? Number.NaN
    expect(Math.abs(converted / expected - 1)).toBeLessThan(1e-14)
  })

  test('there and back again is the same amount', () => {
    const codes = fc.constantFrom(...published.rates.keys())
    const cents = fc.integer({ min: -1e11, max: 1e11 }).map((amount) => amount / 100)
    fc.assert(
      fc.property(codes, codes, cents, (from, to, value) => {
        const there = ecb.convert(value, from, to)?.value ?? Number.NaN
        const back = ecb.convert(there, to, from)?.value ?? Number.NaN
        expect(Math.abs(back - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-12)
      }),
    )
  })
})

describe('amounts and codes', () => {
  test('codes may be in any case', () => {
    expect(ecb.convert(2, 'usd', 'Eur')).toEqual(ecb.convert(2, 'USD', 'EUR'))
  })

  test('major units in, major units out, unrounded, however many decimals a currency has', async () => {
    const money = await started(fixedRates({ base: 'USD', rates: { JPY: 150, KWD: 0.3 } }))
    expect(money.convert(0.01, 'USD', 'JPY')?.value).toBe(1.5)
    expect(money.convert(1, 'JPY', 'KWD')?.value).toBe(0.002)
  })

  test('zero is zero and a refund is negative', () => {
    expect(ecb.convert(0, 'USD', 'EUR')).toEqual({ value: 0 })
    expect(Object.is(ecb.convert(-0, 'USD', 'EUR')?.value, 0)).toBe(true)
    expect(ecb.convert(-1, 'EUR', 'USD')).toEqual({ value: -1.3444 })
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d is no amount', (value) => {
    expect(ecb.convert(value, 'USD', 'EUR')).toBeNull()
    expect(ecb.convert(value, 'EUR', 'EUR')).toBeNull()
  })

  test('a product beyond the largest number is no amount', () => {
    expect(ecb.convert(Number.MAX_VALUE, 'EUR', 'IDR')).toBeNull()
  })

  test.each(['', 'XQQ', 'BTC', 'EURO', 'constructor', 'LTL', ' EUR'])("'%s' is unknown, on either side", (code) => {
    expect(ecb.convert(1, code, 'EUR')).toBeNull()
    expect(ecb.convert(1, 'EUR', code)).toBeNull()
    expect(ecb.convert(1, code, code)).toBeNull()
  })

  test('a known code without a rate is not converted', () => {
    expect(ecb.convert(1, 'KWD', 'EUR')).toBeNull()
    expect(ecb.convert(1, 'EUR', 'KWD')).toBeNull()
  })

  test('the same currency needs no rate [F-60]', () => {
    const money = moneyOf({ fetchRates: () => Promise.reject(new Error('down')) })
    expect(money.convert(7, 'kwd', 'KWD')).toEqual({ value: 7 })
    expect(money.convert(7, 'USD', 'EUR')).toBeNull()
  })

  test('codes newer than the package are known to the runtime', async () => {
    const money = await started(fixedRates({ base: 'USD', rates: { XCG: 1.79 } }))
    expect(money.convert(1, 'USD', 'XCG')).toEqual({ value: 1.79 })
  })
})

/** A provider whose answers are given by hand. */
function byHand() {
  const asked: { give(table: RateTable): void; fail(error: Error): void }[] = []
  const provider: RateProvider = {
    fetchRates: () =>
      new Promise((resolve, reject) => {
        asked.push({ give: resolve, fail: reject })
      }),
  }
  return { asked, provider }
}

const flat = (rate: number): RateTable => ({
  base: 'EUR',
  rates: new Map([
    ['EUR', 1],
    ['USD', rate],
    ['GBP', rate * 10],
  ]),
  asOf: rate,
})

describe('renewing the rates', () => {
  test('a renewal under load keeps nobody waiting and is asked for once', async () => {
    const { asked, provider } = byHand()
    const money = moneyOf(provider)
    const first = money.refresh()
    asked[0]?.give(flat(2))
    await first

    const renewal = Promise.all(Array.from({ length: 100 }, () => money.refresh()))
    const answers = Array.from({ length: 10_000 }, () => money.convert(1, 'EUR', 'USD')?.value)
    expect(new Set(answers)).toEqual(new Set([2]))
    expect(asked.length).toBe(2)
    asked[1]?.give(flat(4))
    expect(await renewal).toEqual(Array.from({ length: 100 }, () => true))
    expect(money.convert(1, 'EUR', 'USD')).toEqual({ value: 4 })
  })

  test('no conversion ever mixes two tables', async () => {
    const { asked, provider } = byHand()
    const money = moneyOf(provider)
    for (let renewal = 0; renewal < 50; renewal++) {
      const done = money.refresh()
      asked[renewal]?.give(flat(renewal + 1))
      if (renewal > 0) expect(money.convert(1, 'USD', 'GBP')).toEqual({ value: 10 })
      await done
      expect(money.convert(1, 'USD', 'GBP')).toEqual({ value: 10 })
    }
  })

  test('a provider that is down leaves the last known rates and is logged each time', async () => {
    const { asked, provider } = byHand()
    const warnings: object[] = []
    const money = moneyOf(provider, { logger: { ...silentLogger, warn: (fields) => warnings.push(fields) } })
    const first = money.refresh()
    asked[0]?.give(flat(2))
    expect(await first).toBe(true)

    const down = new Error('down')
    for (const attempt of [1, 2]) {
      const renewal = money.refresh()
      asked[attempt]?.fail(down)
      expect(await renewal).toBe(false)
      expect(money.convert(1, 'EUR', 'USD')).toEqual({ value: 2 })
    }
    expect(warnings).toEqual([
      { err: down, lastKnownAsOf: 2 },
      { err: down, lastKnownAsOf: 2 },
    ])
  })

  test('a provider that throws before it promises is only a failed renewal', async () => {
    let asked = 0
    const money = moneyOf({
      fetchRates: () => {
        asked++
        throw new Error('broken')
      },
    })
    expect(await money.refresh()).toBe(false)
    expect(await money.refresh()).toBe(false)
    expect(asked).toBe(2)
  })

  test('every hour the rates are asked for, until it is stopped', async () => {
    const { asked, provider } = byHand()
    const timers: { periodMs: number; tick: () => void; stopped: boolean }[] = []
    const money = moneyOf(provider, {
      every: (periodMs, tick) => {
        const timer = { periodMs, tick, stopped: false }
        timers.push(timer)
        return () => {
          timer.stopped = true
        }
      },
    })
    const start = money.start()
    expect([timers.length, timers[0]?.periodMs, asked.length]).toEqual([1, 3_600_000, 1])
    timers[0]?.tick()
    expect(asked.length).toBe(1)
    asked[0]?.give(flat(2))
    await start
    timers[0]?.tick()
    expect(asked.length).toBe(2)

    let isStopped = false
    const stop = money.stop().then(() => {
      isStopped = true
    })
    await new Promise(setImmediate)
    expect([timers[0]?.stopped, isStopped]).toEqual([true, false])
    asked[1]?.give(flat(3))
    await stop
    expect(money.convert(1, 'EUR', 'USD')).toEqual({ value: 3 })
  })

  test('the status tells the day of the rates and when they came', async () => {
    const money = moneyOf({ fetchRates: async () => published })
    expect(money.status()).toBeNull()
    await money.refresh()
    expect(money.status()).toEqual({ asOf: Date.UTC(2013, 0, 28), fetchedAt: 1_000 })
  })
})
