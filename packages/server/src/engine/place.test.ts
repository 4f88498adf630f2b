import { beforeEach, describe, expect, test } from 'vitest'
import { createServer, type Server } from '../server.ts'
import { addressRanges } from '../services/addresses.ts'
import { clientAddress } from '../services/client-address.ts'
import { memoryStore } from '../store/memory.ts'
import { TEST_APP } from '../testing/test-server.ts'

const BERLIN = { country: 'DE', region: 'BE', city: 'Berlin', location: '52.52,13.4' }
const trustProxy = addressRanges(['10.0.0.0/8'])

let server: Server
beforeEach(() => {
  server = createServer({
    store: memoryStore(),
    apps: [TEST_APP],
    locator: { locate: (address) => (address === '203.0.113.7' ? BERLIN : null) },
    clientAddress: (hops) => clientAddress({ ...hops, trustProxy }),
  })
})

async function call(action: string, args: object, address = '203.0.113.7', headers: Record<string, string> = {}) {
  const clientKey = action === 'exportUser' ? 'export_test' : 'prod_test'
  const body = Buffer.from(JSON.stringify({ appId: 'app_test', clientKey, userId: 'ann', ...args, action }))
  const answer = await server.answer({ method: 'POST', path: '/api', query: '', headers, body, address })
  return (JSON.parse(String(answer.body)) as { response: Record<string, unknown>[] }).response[0]!
}
const user = () => call('exportUser', {})
const DETECT = { country: '(detect)', region: '(detect)', city: '(detect)', location: '(detect)', locale: '(detect)' }

describe('(detect)', () => {
  test("takes the place of the caller's address and the first language asked for [C-21]", async () => {
    await call('start', DETECT, '203.0.113.7', { 'accept-language': 'de-DE,de;q=0.9,en;q=0.8' })
    expect(await user()).toMatchObject({ ...BERLIN, locale: 'de_DE' })
  })
  test('leaves what cannot be found as it was [C-21]', async () => {
    await call('start', { country: 'US', city: 'Boston' })
    await call('setUserAttributes', DETECT, '198.51.100.1')
    const known = await user()
    expect(known).toMatchObject({ country: 'US', city: 'Boston' })
    expect(known).not.toHaveProperty('location')
    expect(known).not.toHaveProperty('locale')
  })
  test('believes our own proxies, and nobody who only writes the header [C-22]', async () => {
    await call('start', DETECT, '198.51.100.1', { 'x-forwarded-for': '203.0.113.7' })
    expect(await user()).not.toHaveProperty('country')
    await call('start', DETECT, '10.1.2.3', { 'x-forwarded-for': '198.51.100.9, 203.0.113.7, 10.9.9.9' })
    expect(await user()).toMatchObject({ country: 'DE' })
  })
  test('keeps no address anywhere [C-22]', async () => {
    await call('start', { ...DETECT, deviceId: 'd1' })
    await call('track', { event: 'e' })
    expect(JSON.stringify(await user())).not.toContain('203.0.113')
  })
})

describe('what is given', () => {
  test.each([
    ['locale', 'en_US'],
    ['country', 'US'],
    ['location', '37.775,-122.4183'],
    ['timezone', 'Europe/Berlin'],
    ['timezone', 'PST'],
    ['timezoneOffsetSeconds', 50_400],
    ['region', 'anything'],
  ])('%s %j is stored as it came [C-23]', async (field, value) => {
    expect(await call('setUserAttributes', { [field]: value })).toEqual({ success: true })
    expect(await user()).toMatchObject({ [field]: value })
  })
  test.each([
    ['locale', 'xx_YY'],
    ['country', 'ZZ'],
    ['country', 'Germany'],
    ['location', '95,13'],
    ['timezone', 'Moon/Crater'],
    ['timezoneOffsetSeconds', 60_000],
  ])('%s %j is on no list: stored as it came, with a warning [C-23]', async (field, value) => {
    const message = `Unknown ${field} '${value}'; stored as it came.`
    expect(await call('setUserAttributes', { [field]: value })).toEqual({ success: true, warning: { message } })
    expect(await user()).toMatchObject({ [field]: value })
  })
})
