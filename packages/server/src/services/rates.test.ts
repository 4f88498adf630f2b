import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Egress } from './egress.ts'
import { ECB_DAILY_URL, ecbRates, fixedRates, jsonRates, parseEcbRates } from './rates.ts'

const published = await readFile(new URL('./testdata/ecb-2013-01-28.xml', import.meta.url), 'utf8')
const answering =
  (body: string, status = 200): Egress =>
  async () =>
    new Response(body, { status })
const nowhere: Egress = () => Promise.reject(new Error('no network'))

describe('the European Central Bank', () => {
  test('a published document gives every rate of its day', async () => {
    const asked: string[] = []
    const table = await ecbRates(async (url) => {
      asked.push(url)
      return new Response(published)
    }).fetchRates()
    expect(asked).toEqual([ECB_DAILY_URL])
    expect(table.base).toBe('EUR')
    expect(table.asOf).toBe(Date.UTC(2013, 0, 28))
    expect(table.rates.get('EUR')).toBe(1)
    expect(table.rates.get('USD')).toBe(1.3444)
    expect(table.rates.get('GBP')).toBe(0.8545)
    expect(table.rates.get('IDR')).toBe(13011.59)
    expect(table.rates.get('ZAR')).toBe(12.0906)
  })

  test('codes that were given up since are passed over', () => {
    expect(published).toContain("currency='LTL'")
    expect(parseEcbRates(published).rates.has('LTL')).toBe(false)
  })

  test('of several days the newest counts', () => {
    const day = (time: string, rate: string) => `<Cube time='${time}'><Cube currency='USD' rate='${rate}'/></Cube>`
    const history = `<e:Envelope xmlns:e="x"><Cube>${day('2024-01-02', '1.1')}${day('2024-01-03', '1.2')}</Cube></e:Envelope>`
    expect(parseEcbRates(history).rates.get('USD')).toBe(1.2)
  })

  test.each([
    ['nothing', ''],
    ['a page of HTML', '<!doctype html><html><body>Sorry</body></html>'],
    ['half a document', published.slice(0, 900)],
    ['no day', published.replace(/<Cube time[^]*<\/Cube>\s*<\/Cube>/, '</Cube>')],
    ['no rates', published.replace(/<Cube currency[^>]*>/g, '')],
    ['a comma for a point', published.replace('1.3444', '1,3444')],
    ['a rate of zero', published.replace('1.3444', '0')],
    ['a negative rate', published.replace('1.3444', '-1.3444')],
    ['a rate in words', published.replace('1.3444', 'NaN')],
    ['a date that is none', published.replace('2013-01-28', '28.01.2013')],
  ])('%s is refused whole', (_what, xml) => {
    expect(() => parseEcbRates(xml)).toThrow(expect.objectContaining({ code: 'RATES_MALFORMED' }))
  })

  test('entities are not expanded', () => {
    const bomb = `<!DOCTYPE x [<!ENTITY a "1.3444">]>${published.split('?>')[1]}`.replace("rate='1.3444'", "rate='&a;'")
    expect(() => parseEcbRates(bomb)).toThrow(expect.objectContaining({ code: 'RATES_MALFORMED' }))
  })

  test('a host in trouble is not a table', async () => {
    await expect(ecbRates(answering(published, 503)).fetchRates()).rejects.toMatchObject({
      code: 'RATES_UNAVAILABLE',
      isRetryable: true,
    })
  })
})

describe('JSON', () => {
  const table = { base: 'usd', rates: { eur: 0.9, GBP: 0.8 }, asOf: '2026-03-01' }

  test('comes from a file that is read anew each time', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'damson-rates-'))
    const path = join(directory, 'rates.json')
    try {
      const provider = jsonRates(path, nowhere)
      await expect(provider.fetchRates()).rejects.toMatchObject({ code: 'ENOENT' })
      await writeFile(path, JSON.stringify(table))
      expect((await provider.fetchRates()).rates.get('EUR')).toBe(0.9)
      await writeFile(path, JSON.stringify({ ...table, rates: { EUR: 0.95 } }))
      expect((await provider.fetchRates()).rates.get('EUR')).toBe(0.95)
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  test.each([
    ['ours', table, Date.UTC(2026, 2, 1)],
    ['with an instant', { ...table, asOf: '2026-03-01T12:00:00Z' }, Date.UTC(2026, 2, 1, 12)],
    [
      'as frankfurter.dev has it',
      { amount: 1, base: 'EUR', date: '2026-03-02', rates: { USD: 1.1 } },
      Date.UTC(2026, 2, 2),
    ],
    [
      'as Open Exchange Rates has it',
      { timestamp: 1_600_000_000, base: 'USD', rates: { EUR: 0.9 } },
      1_600_000_000_000,
    ],
    ['without a date', { base: 'USD', rates: { EUR: 0.9 } }, null],
  ])('%s is read from the web', async (_what, document, asOf) => {
    const read = await jsonRates('https://rates.example/latest', answering(JSON.stringify(document))).fetchRates()
    expect(read.asOf).toBe(asOf)
    expect(read.rates.size).toBeGreaterThanOrEqual(2)
    expect(read.rates.get(read.base)).toBe(1)
  })

  test('what ISO 4217 does not have is passed over', async () => {
    const read = await fixedRates({ base: 'USD', rates: { BTC: 0.00001, EUR: 0.9, toString: 3 } }).fetchRates()
    expect([...read.rates.keys()].toSorted()).toEqual(['EUR', 'USD'])
  })

  test.each([
    ['{'],
    ['[]'],
    ['{"base":"USD"}'],
    ['{"base":"BTC","rates":{"USD":1}}'],
    ['{"base":"USD","rates":{"EUR":"0.9"}}'],
    ['{"base":"USD","rates":{"EUR":0}}'],
    ['{"base":"USD","rates":{"EUR":1e999}}'],
  ])('%s is refused whole', async (body) => {
    await expect(jsonRates('https://rates.example/', answering(body)).fetchRates()).rejects.toMatchObject({
      code: 'RATES_MALFORMED',
    })
  })

  test('no message names the path or the key of an address', async () => {
    const provider = jsonRates('https://rates.example/latest?app_id=hush', answering('{', 500))
    await expect(provider.fetchRates()).rejects.toSatisfy((error: Error) => !error.message.includes('hush'))
  })
})

test('a fixed table that is none is refused at once', () => {
  expect(() => fixedRates({ base: 'USD', rates: { EUR: -1 } })).toThrow(
    expect.objectContaining({ code: 'RATES_MALFORMED' }),
  )
})
