import type { Clock } from '@damson/core'
import { resolve } from 'node:path'
import type { Logger } from '../logger.ts'
import { addressRanges } from './addresses.ts'
import { clientAddress } from './client-address.ts'
import type { Hops } from './client-address.ts'
import type { ServicesOptions } from './config.ts'
import { createEgress } from './egress.ts'
import type { Egress } from './egress.ts'
import { createMoney } from './money.ts'
import type { Money } from './money.ts'
import { mmdbLocator, pollFile } from './place.ts'
import type { Locator, MmdbLocator } from './place.ts'
import { ecbRates, fixedRates, jsonRates } from './rates.ts'
import type { RateProvider } from './rates.ts'

export interface ServicesPorts {
  readonly clock: Clock
  readonly logger: Logger
  /** Where relative paths begin and npm packages are looked for: the folder of the configuration file. */
  readonly directory: string
  /** Takes the place of the egress that `options.egress` describes. */
  readonly egress?: Egress
}

export interface Services {
  /** Without configured rates, nothing but a currency into itself is converted. */
  readonly money: Money
  /** Without a configured database, every address is nowhere. */
  readonly locator: Locator
  readonly egress: Egress
  /** The caller's address behind the configured proxies; `null` when it is not known. Kept nowhere. */
  clientAddress(hops: Omit<Hops, 'trustProxy'>): string | null
  /** Begins to renew rates; settles with the first attempt, which nobody needs to wait for. */
  start(): Promise<void>
  stop(): Promise<void>
}

/**
 * Makes the services a configuration asks for.
 * @throws {DamsonError} when a database cannot be opened or a fixed table holds no rates
 */
export async function createServices(options: ServicesOptions, ports: ServicesPorts): Promise<Services> {
  const egress = ports.egress ?? createEgress(defined(options.egress ?? {}))
  const provider = rateProvider(options.rates, egress, ports.directory)
  const money = createMoney({ provider, clock: ports.clock, logger: ports.logger })
  const database = await openDatabase(options.geo, ports)
  const trustProxy = addressRanges(options.trustProxy ?? [])
  return {
    money,
    locator: database ?? nowhere,
    egress,
    clientAddress: (hops) => clientAddress({ ...hops, trustProxy }),
    start: () => money.start(),
    stop: () => {
      database?.close()
      return money.stop()
    },
  }
}

function rateProvider(rates: ServicesOptions['rates'], egress: Egress, directory: string): RateProvider {
  if (rates === undefined) return fixedRates({ base: 'USD', rates: {} })
  if ('fixed' in rates) return fixedRates(rates.fixed)
  if ('file' in rates) return jsonRates(resolve(directory, rates.file), egress)
  return 'url' in rates ? jsonRates(rates.url, egress) : ecbRates(egress)
}

const nowhere: Locator = { locate: () => null }

async function openDatabase(geo: ServicesOptions['geo'], ports: ServicesPorts): Promise<MmdbLocator | null> {
  if (geo === undefined) return null
  const source = 'package' in geo ? { package: geo.package } : geo.database
  const { logger, directory } = ports
  return mmdbLocator(source, { logger, directory, ...(geo.watch === true ? { watch: pollFile } : {}) })
}

/** Configuration says `undefined` where options say nothing. */
function defined<T extends object>(options: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof T]?: Exclude<T[Key], undefined> }
}
