import fc from 'fast-check'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../logger.ts'
import { mmdbLocator } from './place.ts'
import { writeMmdb } from './testdata/write-mmdb.ts'

/** Text of any UTF-16 units, lone surrogates and control characters among them. */
const anyText = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) })

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'damson-place-'))
})
afterAll(() => rm(directory, { recursive: true }))

async function write(path: string, content: Buffer | string): Promise<string> {
  const file = join(directory, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, content)
  return file
}

const options = () => ({ logger: silentLogger, directory })

const london = {
  city: { geoname_id: 2_643_743, names: { de: 'London', en: 'London' } },
  country: { iso_code: 'GB', names: { en: 'United Kingdom' } },
  location: { accuracy_radius: 100, latitude: 51.514_24, longitude: -0.0931 },
  subdivisions: [
    { iso_code: 'ENG', names: { en: 'England' } },
    { iso_code: 'LND', names: { en: 'London' } },
  ],
}
const maxmindForm = writeMmdb(6, 'GeoLite2-City', {
  '81.2.69.0/24': london,
  '2001:218::/32': { country: { iso_code: 'JP' }, registered_country: { iso_code: 'US' } },
  '89.160.20.0/24': { registered_country: { iso_code: 'SE' }, traits: {} },
  '91.0.0.0/8': { subdivisions: [{ names: { en: 'Bavaria' } }], location: { latitude: 48.1 } },
})

describe("a database in MaxMind's form", () => {
  const open = async () => mmdbLocator(await write('GeoLite2-City.mmdb', maxmindForm), options())

  test('gives country and region by code, the city in English and the coordinates', async () => {
    expect((await open()).locate('81.2.69.160')).toEqual({
      country: 'GB',
      region: 'ENG',
      city: 'London',
      location: '51.5142,-0.0931',
    })
  })

  test('gives only what it knows, and never where a network is merely registered', async () => {
    const { locate } = await open()
    expect(locate('2001:218::77')).toEqual({ country: 'JP' })
    expect(locate('91.1.2.3')).toEqual({ region: 'Bavaria' })
    expect(locate('89.160.20.1')).toBeNull()
  })

  test('an IPv4 address mapped into IPv6 is the IPv4 address', async () => {
    const { locate } = await open()
    expect(locate('::ffff:81.2.69.160')).toEqual(locate('81.2.69.160'))
    expect(locate('::FFFF:5102:45A0')).toEqual(locate('81.2.69.160'))
  })

  test.each(['10.0.0.1', '127.0.0.1', '::1', '', 'localhost', '81.2.69', '81.2.69.160:80', '%'])(
    "nobody knows where '%s' is",
    async (address) => {
      expect((await open()).locate(address)).toBeNull()
    },
  )

  test('no text makes it throw', async () => {
    const { locate } = await open()
    fc.assert(
      fc.property(fc.oneof(anyText, fc.ipV4(), fc.ipV6()), (address) => {
        expect(() => locate(address)).not.toThrow()
      }),
    )
  })

  test('a relative path begins at the given directory', async () => {
    await open()
    const { locate } = await mmdbLocator('GeoLite2-City.mmdb', options())
    expect(locate('81.2.69.160')?.country).toBe('GB')
  })
})

describe('a database of npm', () => {
  const flat = (country: string, city: string) => ({
    city,
    country_code: country,
    latitude: 37.422000885009766,
    longitude: -122.08499908447266,
    postcode: '',
    state1: 'California',
    state2: '',
    timezone: '',
  })
  const ipv4Only = writeMmdb(4, 'city ipv4', {
    '8.8.0.0/16': flat('US', 'Mountain View'),
    '32.0.0.0/8': flat('US', 'Ashburn'),
  })
  const ipv6Only = writeMmdb(6, 'city ipv6', { '2001:200::/32': flat('JP', 'Fujisawa') })

  async function install(name: string, files: Record<string, Buffer | string>, manifest: object = {}) {
    await write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', ...manifest }))
    for (const [file, content] of Object.entries(files)) await write(`node_modules/${name}/${file}`, content)
    return mmdbLocator({ package: name }, options())
  }
  const installBoth = () =>
    install('@geo/city-mmdb', { 'city-ipv4.mmdb': ipv4Only, 'city-ipv6.mmdb': ipv6Only, 'README.md': 'hello' })

  test('is found by its name, in flat form', async () => {
    expect((await installBoth()).locate('8.8.8.8')).toEqual({
      country: 'US',
      region: 'California',
      city: 'Mountain View',
      location: '37.422,-122.085',
    })
  })

  test('may hold a file for each family of addresses', async () => {
    expect((await installBoth()).locate('2001:200::1')?.city).toBe('Fujisawa')
  })

  test('of IPv4 alone says nothing of IPv6, whose first 32 bits look like an address of its own', async () => {
    expect((await installBoth()).locate('2001:dead::1')).toBeNull()
    const { locate } = await install('ipv4-only', { 'city.mmdb': ipv4Only })
    expect(locate('2001:200::1')).toBeNull()
    expect(locate('32.1.2.0')?.city).toBe('Ashburn')
  })

  test('may hide its files behind exports, keep them in a folder, and hold others beside them', async () => {
    const asn = writeMmdb(6, 'ASN', { '8.8.8.0/24': { autonomous_system_number: 15_169 } })
    const country = writeMmdb(6, 'Country', { '8.8.8.0/24': { country: { iso_code: 'US' } } })
    const files = { 'data/ASN.mmdb': asn, 'data/Country.mmdb': country, 'data/zz-City.mmdb': ipv4Only }
    const { locate } = await install('many', files, { exports: { '.': './index.js' } })
    expect(locate('8.8.8.8')?.city).toBe('Mountain View')
  })

  test.each(['not-installed', '../outside', '/etc', '.', '', 'UPPER', 'a/b/c'])(
    "'%s' is refused with the way out",
    async (name) => {
      await write('outside/package.json', '{}')
      await write('outside/city.mmdb', ipv4Only)
      await expect(mmdbLocator({ package: name }, options())).rejects.toMatchObject({ code: 'GEO_DATABASE_MISSING' })
    },
  )

  test('without a database is refused', async () => {
    await expect(install('empty', {})).rejects.toMatchObject({ code: 'GEO_DATABASE_MISSING' })
  })
})

describe('files that fail', () => {
  test('a missing file is named', async () => {
    await expect(mmdbLocator('nowhere.mmdb', options())).rejects.toThrow(/nowhere\.mmdb/)
  })

  test('a file of something else is refused', async () => {
    const file = await write('other.mmdb', 'PK this is a zip file')
    await expect(mmdbLocator(file, options())).rejects.toMatchObject({ code: 'GEO_DATABASE_UNREADABLE' })
  })

  test('a damaged record is logged and located nowhere', async () => {
    const damaged = Buffer.from(maxmindForm)
    const start = damaged.indexOf('geoname_id') - 20
    damaged.fill(0xff, start, start + 60)
    const errors: object[] = []
    const logger = { ...silentLogger, error: (fields: object) => errors.push(fields) }
    const { locate } = await mmdbLocator(await write('damaged.mmdb', damaged), { logger, directory })
    expect(locate('81.2.69.160')).toBeNull()
    expect(errors.length).toBe(1)
    expect(JSON.stringify(errors)).not.toContain('81.2.69')
  })

  test('a reload takes the new file, and keeps the old one when the new one is broken', async () => {
    const file = await write('changing.mmdb', writeMmdb(6, 'City', { '1.0.0.0/8': { country: { iso_code: 'AU' } } }))
    const locator = await mmdbLocator(file, options())
    await writeFile(file, writeMmdb(6, 'City', { '1.0.0.0/8': { country: { iso_code: 'NZ' } } }))
    expect(locator.locate('1.2.3.4')?.country).toBe('AU')
    expect(await locator.reload()).toBe(true)
    expect(locator.locate('1.2.3.4')?.country).toBe('NZ')
    await writeFile(file, 'half a file')
    expect(await locator.reload()).toBe(false)
    expect(locator.locate('1.2.3.4')?.country).toBe('NZ')
  })

  test('a watched file that changes is read again', async () => {
    const file = await write('watched.mmdb', writeMmdb(6, 'City', { '1.0.0.0/8': { country: { iso_code: 'AU' } } }))
    const watched = new Map<string, () => void>()
    let wasRead = () => {}
    const readAgain = new Promise<void>((resolve) => {
      wasRead = resolve
    })
    const locator = await mmdbLocator(file, {
      directory,
      logger: { ...silentLogger, info: () => wasRead() },
      watch: (path, changed) => {
        watched.set(path, changed)
        return () => watched.delete(path)
      },
    })
    await writeFile(file, writeMmdb(6, 'City', { '1.0.0.0/8': { country: { iso_code: 'NZ' } } }))
    watched.get(file)?.()
    await readAgain
    expect(locator.locate('1.2.3.4')?.country).toBe('NZ')
    locator.close()
    expect(watched.size).toBe(0)
  })
})
