import { describe, expect, test } from 'vitest'
import { headersOf, isPrefetch } from './headers.ts'
import { isSameOrigin } from './same-origin.ts'

const HOST = 'shop.example.com'

describe('a request is of this site if the browser says so', () => {
  const SITES = ['same-origin', 'same-site', 'cross-site', 'none', undefined]
  const ORIGINS: readonly (readonly [string | undefined, boolean])[] = [
    ['https://shop.example.com', true],
    ['https://SHOP.example.com:443', true],
    ['http://shop.example.com', true],
    ['https://shop.example.com:8443', false],
    ['https://example.com', false],
    ['https://shop.example.com.evil.test', false],
    ['https://evil.test/shop.example.com', false],
    ['https://shop.example.com@evil.test', false],
    ['ftp://shop.example.com', false],
    ['null', false],
    ['', false],
    [undefined, false],
  ]
  for (const site of SITES) {
    for (const [origin, matches] of ORIGINS) {
      const expected = site === undefined ? matches : site === 'same-origin'
      test(`Sec-Fetch-Site ${site ?? 'missing'}, Origin ${origin ?? 'missing'}: ${expected ? 'yes' : 'no'}`, () => {
        const headers = { host: HOST, 'sec-fetch-site': site, origin }
        expect(isSameOrigin({ headers })).toBe(expected)
        const entries = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
        expect(isSameOrigin({ headers: new Headers(entries) })).toBe(expected)
      })
    }
  }

  test('the host a proxy was asked for may be told', () => {
    const headers = { host: '10.0.0.7:3000', origin: 'https://shop.example.com' }
    expect(isSameOrigin({ headers })).toBe(false)
    expect(isSameOrigin({ headers, host: HOST })).toBe(true)
  })

  test('no host, no origin of this site', () => {
    expect(isSameOrigin({ headers: { origin: 'https://shop.example.com' } })).toBe(false)
  })
})

test('what a browser or router fetches ahead is known by its headers', () => {
  expect(isPrefetch({ 'sec-purpose': 'prefetch;prerender' })).toBe(true)
  expect(isPrefetch({ purpose: 'prefetch' })).toBe(true)
  expect(isPrefetch({ 'x-moz': 'prefetch' })).toBe(true)
  expect(isPrefetch(new Headers({ 'Next-Router-Prefetch': '1' }))).toBe(true)
  expect(isPrefetch({ accept: 'text/html', purpose: 'preview' })).toBe(false)
})

test('headers of both platforms are read alike, and a header cannot pass for a method', () => {
  expect(headersOf(new Headers({ Host: 'a' })).get('host')).toBe('a')
  expect(headersOf({ host: 'a', cookie: ['b', 'c'], get: 'text' }).get('cookie')).toBe('b')
  expect(headersOf({ get: 'text' }).get('get')).toBe('text')
  expect(headersOf({}).get('constructor')).toBeNull()
})
