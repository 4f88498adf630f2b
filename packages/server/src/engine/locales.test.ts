import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { firstAcceptLanguage, isKnownTimezone, isOffset, isTimezoneAbbreviation, normaliseLocale } from './locales.ts'

/** Text of any UTF-16 units, lone surrogates and control characters among them. */
const anyText = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) })

describe('locales', () => {
  test.each([
    ['en_US', 'en_US'],
    ['en-us', 'en_US'],
    ['EN', 'en'],
    ['de_DE.UTF-8', 'de_DE'],
    ['ja_JP@calendar=japanese', 'ja_JP'],
    ['zh-Hans-CN', 'zh_Hans_CN'],
    ['zh_Hant_TW', 'zh_Hant_TW'],
    ['sr_Latn_RS', 'sr_Latn_RS'],
    ['es-419', 'es_419'],
    ['iw_IL', 'he_IL'],
    ['in_ID', 'id_ID'],
    ['en-US-u-ca-gregory', 'en_US'],
    ['en_US_POSIX', 'en_US'],
    ['de-CH-1901', 'de_CH'],
    [' fr_FR ', 'fr_FR'],
  ])("'%s' is %s", (written, normal) => {
    expect(normaliseLocale(written)).toBe(normal)
  })

  test.each([
    '',
    'C',
    'xx_US',
    'en_XX',
    'en_ZZ',
    'und',
    'en_Zzzz',
    '(detect)',
    '*',
    'english',
    'en US',
    '12',
    'en__US',
  ])("'%s' is none", (written) => {
    expect(normaliseLocale(written)).toBeNull()
  })

  test('normalising twice says the same, and nothing throws', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.stringMatching(/^[a-z]{2}[_-][A-Z]{2}$/)), (written) => {
        const once = normaliseLocale(written)
        if (once !== null) expect(normaliseLocale(once)).toBe(once)
      }),
    )
  })
})

describe('Accept-Language', () => {
  test.each([
    ['de', 'de'],
    ['fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5', 'fr_CH'],
    ['*, en-GB', 'en_GB'],
    ['xx, en;q=0.1', 'en'],
    ['en;q=0, da', 'da'],
    ['en;q=0.000 , da', 'da'],
    ['en ; Q=0.5', 'en'],
  ])("'%s' asks for %s first", (header, locale) => {
    expect(firstAcceptLanguage(header)).toBe(locale)
  })

  test.each([null, '', '*', ',,,', ';q=1', 'nonsense!'])("'%s' asks for nothing", (header) => {
    expect(firstAcceptLanguage(header)).toBeNull()
  })

  test('a header without an end is not read to its end', () => {
    expect(firstAcceptLanguage(`${'*,'.repeat(5000)}en`)).toBeNull()
  })
})

describe('time zones', () => {
  test('every name of the runtime is known', () => {
    for (const name of Intl.supportedValuesOf('timeZone')) expect([name, isKnownTimezone(name)]).toEqual([name, true])
  })

  test.each([
    'UTC',
    'GMT',
    'EST',
    'CET',
    'Asia/Calcutta',
    'Asia/Kolkata',
    'Europe/Kyiv',
    'US/Pacific',
    'europe/berlin',
  ])('%s is known', (name) => {
    expect(isKnownTimezone(name)).toBe(true)
  })

  test.each(['', 'Mars/Olympus', 'CEST', 'GMT+2', '+02:00', '-0800', 'Europe/', '(detect)', 'Europe/Berlin\u0000'])(
    "'%s' is not",
    (name) => {
      expect(isKnownTimezone(name)).toBe(false)
    },
  )

  test('abbreviations have a form and no list', () => {
    for (const text of ['PST', 'CEST', 'AEDT', 'CHADT']) expect(isTimezoneAbbreviation(text)).toBe(true)
    for (const text of ['', 'PT', 'pst', 'Europe/Berlin', 'TOOLONGA', 'P5T'])
      expect(isTimezoneAbbreviation(text)).toBe(false)
  })

  test('offsets lie between UTC-12 and UTC+14', () => {
    for (const seconds of [-43_200, -12_600, 0, 20_700, 50_400]) expect(isOffset(seconds)).toBe(true)
    for (const seconds of [-43_201, 50_401, 0.5, Number.NaN, Infinity]) expect(isOffset(seconds)).toBe(false)
  })
})
