import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../logger.ts'
import { servicesConfigSchema } from './config.ts'
import type { Egress } from './egress.ts'
import { createServices } from './services.ts'
import { writeMmdb } from './testdata/write-mmdb.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'damson-services-'))
  await writeFile(join(directory, 'rates.json'), '{"base":"EUR","rates":{"USD":2}}')
  await writeFile(join(directory, 'city.mmdb'), writeMmdb(6, 'City', { '8.0.0.0/8': { country: { iso_code: 'US' } } }))
})
afterAll(() => rm(directory, { recursive: true }))

const published = await readFile(new URL('./testdata/ecb-2013-01-28.xml', import.meta.url), 'utf8')
const ports = (egress?: Egress) => ({
  clock: { now: () => 0 },
  logger: silentLogger,
  directory,
  ...(egress === undefined ? {} : { egress }),
})
const configured = async (config: unknown, egress?: Egress) =>
  createServices(servicesConfigSchema.parse(config), ports(egress))

describe('what a configuration asks for', () => {
  test('nothing: no value is converted, no address located, no header believed, no private address called', async () => {
    const services = await configured({})
    await services.start()
    expect(services.money.convert(1, 'EUR', 'USD')).toBeNull()
    expect(services.money.convert(1, 'EUR', 'EUR')).toEqual({ value: 1 })
    expect(services.locator.locate('8.8.8.8')).toBeNull()
    expect(services.clientAddress({ socketAddress: '127.0.0.1', forwardedFor: '8.8.8.8' })).toBe('127.0.0.1')
    await expect(services.egress('https://127.0.0.1/')).rejects.toMatchObject({ code: 'EGRESS_REFUSED' })
    await services.stop()
  })

  const web: Egress = async (url) => new Response(url.includes('ecb') ? published : '{"base":"EUR","rates":{"USD":3}}')
  test.each([
    ['a fixed table', { fixed: { base: 'eur', rates: { usd: 4 } } }, 4],
    ['a file beside the configuration', { file: 'rates.json' }, 2],
    ['an address', { url: 'https://rates.example/latest.json' }, 3],
    ['the European Central Bank', { ecb: true }, 1.3444],
  ])('rates from %s', async (_source, rates, dollars) => {
    const services = await configured({ rates }, web)
    expect(services.money.convert(1, 'EUR', 'USD')).toBeNull()
    await services.start()
    expect(services.money.convert(1, 'EUR', 'USD')).toEqual({ value: dollars })
    await services.stop()
  })

  test('a database, and who stands before us', async () => {
    const services = await configured({ geo: { database: 'city.mmdb', watch: true }, trustProxy: ['loopback'] })
    const address = services.clientAddress({ socketAddress: '::1', forwardedFor: '1.1.1.1, 8.8.8.8' })
    expect(services.locator.locate(address ?? '')).toEqual({ country: 'US' })
    await services.stop()
  })

  test('a database that is not there stops the start', async () => {
    await expect(configured({ geo: { package: 'not-installed' } })).rejects.toMatchObject({
      code: 'GEO_DATABASE_MISSING',
    })
  })

  test('private destinations for outgoing calls', async () => {
    const services = await configured({ egress: { allowHttp: true, allowPrivateDestinations: ['loopback'] } })
    await expect(services.egress('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'EGRESS_FAILED' })
    await expect(services.egress('http://10.0.0.1:1/')).rejects.toMatchObject({ code: 'EGRESS_REFUSED' })
  })
})

describe('a configuration that is none', () => {
  test.each([
    [{ rates: {} }],
    [{ rates: { ecb: false } }],
    [{ rates: { ecb: true, file: 'rates.json' } }],
    [{ rates: { url: 'ftp://rates.example/' } }],
    [{ rates: { fixed: { base: 'EUR', rates: { USD: 0 } } } }],
    [{ geo: 'city.mmdb' }],
    [{ geo: { database: 'a', package: 'b' } }],
    [{ trustProxy: 'loopback' }],
    [{ trustProxy: ['10.0.0.0/40'] }],
    [{ egress: { allowPrivateDestinations: ['lan'] } }],
    [{ storeAddresses: true }],
  ])('%j is refused', (config) => {
    expect(servicesConfigSchema.safeParse(config).success).toBe(false)
  })

  test('a bad range is told with the way out', () => {
    const [issue] = servicesConfigSchema.safeParse({ trustProxy: ['lan'] }).error?.issues ?? []
    expect(issue?.path).toEqual(['trustProxy', 0])
    expect(issue?.message).toContain("found 'lan'")
  })
})
