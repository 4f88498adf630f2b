import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DAY_MS } from '../clock.ts'
import { fakeClock } from '../testing/fake-clock.ts'
import { toBase64Url } from './signing.ts'
import { createVisitors, type Visitor } from './visitors.ts'

const SECRET = 'a secret of thirty-two characters'
const OLDER = 'an older secret of enough characters'

const pairOf = (setCookie: string) => setCookie.slice(0, setCookie.indexOf(';'))
const pairFor = async (secret: string, visitor?: Visitor) => {
  const visitors = createVisitors({ secrets: [secret] })
  return pairOf(await visitors.cookieFor(visitor ?? visitors.issue()))
}

test('a visitor comes back from the cookie as it went in', async () => {
  const visitors = createVisitors({ secrets: [SECRET] })
  const visitor = { ...visitors.issue(), sessionId: 's1', hasSignedIn: true }
  const pair = pairOf(await visitors.cookieFor(visitor))
  expect(await visitors.read(`theme=dark; ${pair}; lang=en`)).toEqual(visitor)
  expect(await createVisitors({ secrets: [SECRET] }).read(pair)).toEqual(visitor)
})

test('the cookie belongs to one host, over TLS, out of the reach of scripts', async () => {
  const visitors = createVisitors({ secrets: [SECRET] })
  expect(await visitors.cookieFor(visitors.issue())).toMatch(
    /^__Host-damson=1\.[\w-]+\.[\w-]{43}; Max-Age=34560000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  )
})

test('a framework that writes the header itself is told the same', async () => {
  const visitors = createVisitors({
    secrets: [SECRET],
    cookie: { domain: 'example.com', path: '/shop', maxAgeDays: 1 },
  })
  const visitor = visitors.issue()
  const { value, ...rest } = await visitors.cookieOf(visitor)
  expect(rest).toEqual({
    name: '__Secure-damson',
    maxAge: 86_400,
    path: '/shop',
    domain: 'example.com',
    httpOnly: true,
    secure: true,
    sameSite: 'lax',
  })
  expect(await visitors.cookieFor(visitor)).toBe(
    `__Secure-damson=${value}; Max-Age=86400; Path=/shop; Domain=example.com; HttpOnly; Secure; SameSite=Lax`,
  )
})

test('without TLS, or for a domain or path of its own, the name promises only what a browser will keep', async () => {
  const nameOf = (cookie: object) => createVisitors({ secrets: [SECRET], cookie }).cookieName
  expect(nameOf({ secure: false })).toBe('damson')
  expect(nameOf({ domain: 'example.com' })).toBe('__Secure-damson')
  expect(nameOf({ path: '/shop' })).toBe('__Secure-damson')
  expect(nameOf({ name: 'shop' })).toBe('__Host-shop')
})

test('a cookie changed in any one character is nobody', async () => {
  const visitors = createVisitors({ secrets: [SECRET] })
  const pair = pairOf(await visitors.cookieFor(visitors.issue()))
  const value = pair.slice(pair.indexOf('=') + 1)
  await fc.assert(
    fc.asyncProperty(fc.nat(value.length - 1), fc.constantFrom(...'ABCxyz019-_.= ;%'), async (place, character) => {
      fc.pre(value[place] !== character)
      const changed = value.slice(0, place) + character + value.slice(place + 1)
      expect(await visitors.read(`${visitors.cookieName}=${changed}`)).toBeNull()
    }),
    { numRuns: 300 },
  )
})

test('whatever stands in the Cookie header, reading it gives an answer', async () => {
  const visitors = createVisitors({ secrets: [SECRET] })
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
      expect(await visitors.read(text)).toBeNull()
      expect(await visitors.read(`${visitors.cookieName}=${text}`)).toBeNull()
    }),
  )
  expect([await visitors.read(null), await visitors.read(undefined)]).toEqual([null, null])
})

test('a cookie signed with another secret, for another purpose or in another version is nobody', async () => {
  const visitors = createVisitors({ secrets: [SECRET] })
  expect(await visitors.read(await pairFor(OLDER))).toBeNull()
  const value = (await pairFor(SECRET)).split('=1.')[1]
  expect(await visitors.read(`__Host-damson=2.${value}`)).toBeNull()
  const payload = toBase64Url(new TextEncoder().encode('["d",1]'))
  const key = await crypto.subtle.importKey(
    'raw',
    new TextEncoder().encode(SECRET),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  )
  const signature = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(`1.${payload}`)))
  expect(await visitors.read(`__Host-damson=1.${payload}.${toBase64Url(signature)}`)).toBeNull()
})

test('a planted cookie before the real one does not hide it', async () => {
  const visitors = createVisitors({ secrets: [SECRET], cookie: { secure: false } })
  const visitor = visitors.issue()
  const pair = pairOf(await visitors.cookieFor(visitor))
  expect(await visitors.read(`damson=1.planted.x; ${pair}`)).toEqual(visitor)
})

describe('renewal', () => {
  test('a cookie of an older secret is read, and written anew with the newest', async () => {
    const visitors = createVisitors({ secrets: [SECRET, OLDER] })
    const visitor = (await visitors.read(await pairFor(OLDER))) as Visitor
    const renewed = visitors.renew(visitor) as Visitor
    expect(renewed.deviceId).toBe(visitor.deviceId)
    const pair = pairOf(await visitors.cookieFor(renewed))
    const again = (await createVisitors({ secrets: [SECRET] }).read(pair)) as Visitor
    expect(again).toEqual(renewed)
    expect(visitors.renew((await visitors.read(pair)) as Visitor)).toBeNull()
  })

  test('a cookie is written anew after a quarter of its life, and nobody once that is over', async () => {
    const clock = fakeClock()
    const visitors = createVisitors({ secrets: [SECRET], clock })
    const visitor = visitors.issue()
    const pair = pairOf(await visitors.cookieFor(visitor))
    clock.advance(100 * DAY_MS - 1)
    expect(visitors.renew(visitor)).toBeNull()
    clock.advance(1)
    expect(visitors.renew(visitor)).toEqual({ ...visitor, issuedAt: clock.now() })
    clock.advance(300 * DAY_MS - 1)
    expect(await visitors.read(pair)).toEqual(visitor)
    clock.advance(1)
    expect(await visitors.read(pair)).toBeNull()
  })
})

test('secrets that are missing or short are refused, with the way out', () => {
  expect(() => createVisitors({ secrets: [] })).toThrow(/at least one secret .* found none\. Make one with `openssl/)
  expect(() => createVisitors({ secrets: [SECRET, 'short'] })).toThrow(/found one of 5 characters/)
})

test('options that would break the header are refused', () => {
  const make = (cookie: object) => () => createVisitors({ secrets: [SECRET], cookie })
  expect(make({ name: 'a b' })).toThrow(/cookie's name/)
  expect(make({ path: '/; Secure' })).toThrow(/cookie's path/)
  expect(make({ domain: 'a.com; HttpOnly' })).toThrow(/cookie's domain/)
  expect(make({ maxAgeDays: Number.NaN })).toThrow(/cookie's maxAgeDays/)
})
