import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAccessLogLine } from './access-log.ts'

const LINE =
  '83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /images/a.png HTTP/1.1" 200 203023 "http://b.example/" "Mozilla/5.0"'

describe('a whole line', () => {
  test('says who asked what, when, and what came of it', () => {
    expect(parseAccessLogLine(LINE)).toEqual({
      ok: true,
      hit: {
        at: Date.parse('2015-05-17T10:05:03Z'),
        address: '83.149.9.216',
        method: 'GET',
        path: '/images/a.png',
        status: 200,
        bytes: 203023,
        referrer: 'http://b.example/',
        userAgent: 'Mozilla/5.0',
      },
    })
  })

  test.each([
    ['a zone east of Greenwich', '+0000', '+0530', { at: Date.parse('2015-05-17T04:35:03Z') }],
    ['a zone west of it', '+0000', '-0230', { at: Date.parse('2015-05-17T12:35:03Z') }],
    ['a user with a space', '- -', '- Jane Doe', { address: '83.149.9.216' }],
    ['no size', ' 203023 ', ' - ', { bytes: 0 }],
    ['no referrer', 'http://b.example/', '-', { referrer: '' }],
    ['a quote in the user agent', 'Mozilla/5.0', 'Mo\\"zilla', { userAgent: 'Mo\\"zilla' }],
    ['a request that is no HTTP', 'GET /images/a.png HTTP/1.1', '\\x16\\x03', { method: '', path: '\\x16\\x03' }],
    ['an old request without a version', ' HTTP/1.1', '', { method: 'GET', path: '/images/a.png' }],
    ['fields behind the user agent', '"Mozilla/5.0"', '"Mozilla/5.0" "10.0.0.1" 0.003', { userAgent: 'Mozilla/5.0' }],
  ])('may have %s', (_, from, to, expected) => {
    expect(parseAccessLogLine(LINE.replace(from, to))).toMatchObject({ ok: true, hit: expected })
  })
})

test.each([
  ['empty line', '  '],
  ['no address', 'nonsense'],
  ['no address', ' - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "-"'],
  ['no date', '83.149.9.216 - - "GET / HTTP/1.1" 200 1 "-" "-"'],
  ['invalid date', LINE.replace('17/May', '31/Jun')],
  ['invalid date', LINE.replace('17/May', '17/Mai')],
  ['invalid date', LINE.replace('10:05:03', '24:05:03')],
  ['invalid date', LINE.replace('+0000', 'UTC')],
  ['no request', LINE.slice(0, 60)],
  ['invalid status', LINE.replace(' 200 ', ' OK ')],
  ['invalid status', LINE.slice(0, LINE.indexOf('" 200') + 3)],
  ['invalid size', LINE.replace('203023', '2k')],
  ['invalid size', LINE.slice(0, LINE.indexOf(' 203023'))],
  ['no referrer', LINE.slice(0, LINE.indexOf(' "http'))],
  ['no user agent', LINE.slice(0, LINE.indexOf(' "Moz'))],
  ['no user agent', LINE.slice(0, -1)],
])('%s: the line is skipped', (reason, line) => {
  expect(parseAccessLogLine(line)).toEqual({ ok: false, reason })
})

test('a line cut anywhere is skipped, whatever it says', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: LINE.length - 1 }), (length) => {
      expect(parseAccessLogLine(LINE.slice(0, length)).ok).toBe(false)
    }),
  )
})

test('any text at all is read or skipped', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(LINE.length), (text, at) => {
      expect(parseAccessLogLine(LINE.slice(0, at) + text + LINE.slice(at))).toHaveProperty('ok')
    }),
  )
})

test('every line of a real log is read', () => {
  const file = fileURLToPath(new URL('fixtures/access.log.gz', import.meta.url))
  const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n')
  expect(lines.length).toBe(3_000)
  expect(lines.filter((line) => !parseAccessLogLine(line).ok)).toEqual([])
})
