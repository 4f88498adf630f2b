import type { EpochMs } from '@damson/core'
import { DamsonError } from '@damson/core'
import { XMLParser } from 'fast-xml-parser'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { isCurrency } from './currencies.ts'
import type { Egress } from './egress.ts'

/** Prices of currencies at one instant. */
export interface RateTable {
  /** Upper case; its own rate is 1. */
  readonly base: string
  /** Units of each currency for one unit of the base: positive, finite, keyed by upper-case code. */
  readonly rates: ReadonlyMap<string, number>
  /** What the source says; `null` when it says nothing. */
  readonly asOf: EpochMs | null
}

/** Where rates come from. Whoever rejects is asked again; whoever never settles is never asked again. */
export interface RateProvider {
  /** @throws when there are no rates to be had, or none that can be trusted whole */
  fetchRates(): Promise<RateTable>
}

const currency = z.string().refine(isCurrency, 'Expected a currency code of ISO 4217.').toUpperCase()
const date = z.iso.date().or(z.iso.datetime({ offset: true }))

/**
 * Rates as JSON writes them, for files, addresses and configuration. `asOf` is ours, `date` (frankfurter.dev) and
 * `timestamp` (Open Exchange Rates, seconds) are what common services call it. Codes that ISO 4217 does not have are
 * passed over, for such services also list Bitcoin; one bad number refuses the whole table.
 */
export const rateTableSchema = z.object({
  base: currency,
  rates: z.record(z.string(), z.number().positive()),
  asOf: date.optional(),
  date: date.optional(),
  timestamp: z.number().int().positive().optional(),
})

export type RateTableInput = z.infer<typeof rateTableSchema>

/** Rates that never change. @throws {DamsonError} RATES_MALFORMED at once when they are none */
export function fixedRates(input: RateTableInput): RateProvider {
  const table = readTable(input, 'the fixed table')
  return { fetchRates: async () => table }
}

/** Rates from a JSON file, read anew each time, or from a JSON document on the web. */
export function jsonRates(pathOrUrl: string, egress: Egress): RateProvider {
  const isUrl = /^https?:/i.test(pathOrUrl)
  const source = isUrl ? new URL(pathOrUrl).hostname : pathOrUrl
  return {
    fetchRates: async () => {
      const text = isUrl ? await download(pathOrUrl, egress) : await readFile(pathOrUrl, 'utf8')
      return readTable(parseJson(text, source), source)
    },
  }
}

/** Published on working days around 16:00 Central European Time. */
export const ECB_DAILY_URL = 'https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml'

/** The European Central Bank's reference rates: some thirty currencies against the euro. */
export function ecbRates(egress: Egress, url: string = ECB_DAILY_URL): RateProvider {
  return { fetchRates: async () => parseEcbRates(await download(url, egress)) }
}

/** A file that went through a spreadsheet (`1,1476`) holds no numbers, and is refused rather than read as 1. */
const ecbDay = z.object({
  time: z.iso.date(),
  Cube: z.array(z.object({ currency: z.string(), rate: z.coerce.number() })).min(1),
})
const ecbDocument = z.object({
  Envelope: z.object({ Cube: z.tuple([z.object({ Cube: z.array(ecbDay).min(1) })]) }),
})

/**
 * Reads the daily document; of one with several days, the newest.
 * @throws {DamsonError} RATES_MALFORMED
 */
export function parseEcbRates(xml: string): RateTable {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseAttributeValue: false,
    removeNSPrefix: true,
    processEntities: false,
    isArray: (name) => name === 'Cube',
  })
  const document = checked(
    ecbDocument,
    attempt(() => parser.parse(xml, true) as unknown, 'the ECB'),
    'the ECB',
  )
  const [newest] = document.Envelope.Cube[0].Cube.toSorted((one, other) => other.time.localeCompare(one.time))
  const rates = Object.fromEntries((newest?.Cube ?? []).map((cube) => [cube.currency, cube.rate]))
  return readTable({ base: 'EUR', rates, asOf: newest?.time }, 'the ECB')
}

function readTable(input: unknown, source: string): RateTable {
  const table = checked(rateTableSchema, input, source)
  const rates = Object.entries(table.rates)
    .filter(([code]) => isCurrency(code))
    .map(([code, rate]) => [code.toUpperCase(), rate] as const)
  const said = table.asOf ?? table.date
  const asOf = said === undefined ? secondsToMs(table.timestamp) : Date.parse(said)
  return { base: table.base, rates: new Map([...rates, [table.base, 1]]), asOf }
}

const secondsToMs = (seconds: number | undefined) => (seconds === undefined ? null : seconds * 1000)

async function download(url: string, egress: Egress): Promise<string> {
  const response = await egress(url)
  if (response.ok) return response.text()
  const message = `Expected rates from ${new URL(url).hostname}, found status ${response.status}.`
  throw new DamsonError('RATES_UNAVAILABLE', message, { isRetryable: true })
}

const parseJson = (text: string, source: string) => attempt(() => JSON.parse(text) as unknown, source)

function attempt<T>(read: () => T, source: string): T {
  try {
    return read()
  } catch (cause) {
    throw malformed(source, cause)
  }
}

function checked<T>(schema: z.ZodType<T>, input: unknown, source: string): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw malformed(source, result.error)
}

function malformed(source: string, cause: unknown): DamsonError {
  const message = `Expected a table of rates from ${source}; found something that is none. The last known rates stay.`
  return new DamsonError('RATES_MALFORMED', message, { isRetryable: true, cause })
}
